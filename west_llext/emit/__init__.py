# SPDX-License-Identifier: Apache-2.0
"""Outputs: one pure text() or image() for each kind; files.py alone touches the disk."""
