# SPDX-License-Identifier: Apache-2.0
"""Linking, without knowing any machine: arrange, resolve, veneers, place, relocate.

Takes one relocatable object an extension and gives `model.link.Linked`. Each step is a function
from records to records; what is wrong with the input comes back as diagnostics.
"""
