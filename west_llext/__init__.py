# SPDX-License-Identifier: Apache-2.0
"""Build, validate and pre-link loadable extensions (LLEXT) for Zephyr RTOS."""

__version__ = "0.1.0"
