# SPDX-License-Identifier: Apache-2.0
"""Relocation types, instruction layouts and veneers, one file per machine.

A machine file is data: rows with the psABI's numbers and names, formulas in the psABI's notation and
layouts as the ISA manual draws them. What is derived from them (widths, masks, ranges) is in
`layout` and `table`. Machine files don't import each other.
"""
