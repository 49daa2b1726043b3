# SPDX-License-Identifier: Apache-2.0
"""How the target relocates: `arch/*/core/elf.c`, with what is wrong in them.

What the psABIs say is in `west_llext.arch`; where the two differ, the target does this.
"""
