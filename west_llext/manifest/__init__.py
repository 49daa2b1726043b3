# SPDX-License-Identifier: Apache-2.0
"""The manifest: YAML with line numbers, its schema, and the rules across fields.

The only room that imports yaml. `load` is its door.
"""
