# SPDX-License-Identifier: Apache-2.0
"""The host's model of Zephyr's loader: what `llext_load()` on the target does with a file.

It decides and relocates as the target's C code does, bugs included, and says so in the same words.
`docs/loader.md` lists what is modelled, for which versions, and where the limits are.
"""
