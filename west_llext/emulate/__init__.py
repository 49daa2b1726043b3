# SPDX-License-Identifier: Apache-2.0
"""Runs functions of extensions beside the code of the base image, in an emulator of the processor.

What isn't modelled: interrupts and exception returns, memory protection finer than a page,
alignment faults, and which instructions a core lacks.
"""
