# SPDX-License-Identifier: Apache-2.0
"""What to do about a line of the loader's log."""

from __future__ import annotations

import re
from collections.abc import Iterable

from west_llext.loader.log import Line

#: A pattern for lines, and the one action that mends most of what leads to them.
REMEDIES: tuple[tuple[str, str], ...] = (
    (
        r"Undefined symbol with no entry in symbol table __device_",
        "enable CONFIG_LLEXT_EXPORT_DEVICES in the base image, and build both from one devicetree",
    ),
    (
        r"Undefined symbol with no entry in symbol table",
        "export the symbol from the base image, or load the extension that exports it first",
    ),
    (
        r"sym '.*': relocation out of range",
        "compile with -mlong-calls, or link with 'west llext build', which adds veneers",
    ),
    (
        r"-?\d+ byte relocation is not possible",
        "compile with -mcmodel=medany, and load the extension within reach of what it refers to",
    ),
    (r"unknown relocation: |Unsupported relocation type: ", "compile with -fno-pic -fno-pie"),
    (r"Alignment relocation is currently not supported", "compile and link with -mno-relax"),
    (
        r"Could not find R_RISCV_PCREL_HI20",
        "keep both halves of an address in one section: link with 'ld -r' and merge '.text.*'",
    ),
    (
        r"Multiple SHT_NOBITS sections",
        "merge '.bss' sections: link with 'west llext build', or compile with -fno-data-sections",
    ),
    (
        r"Region \d+ (VMA|ELF file) range",
        "group sections by region: link with 'west llext build', or with 'ld -r' and a script",
    ),
    (r"Region \d+ redefined", "merge the arrays of functions with 'ld -r'"),
    (r"Unsupported section flags", "give sections of one kind the same flags"),
    (
        r"Failed to allocate extension symbol table",
        "define at least one global function or object: the loader can't allocate an empty table",
    ),
    (
        r"Failed allocating|Not enough memory|Failed to allocate",
        "enlarge CONFIG_LLEXT_HEAP_SIZE, or keep the file in memory with persistent storage",
    ),
    (
        r"Section \d+ not loaded in any memory region",
        "compile with -fno-unwind-tables -fno-asynchronous-unwind-tables, or remove the section",
    ),
    (r"Found unsupported SHT_RELA section", "use REL relocations, as Arm's EABI has them"),
    (r"Invalid section header size", "build for the class (32 or 64 bits) of the target"),
    (r"Unsupported ELF file type", "link with 'ld -r' (ET_REL) or -shared (ET_DYN)"),
    (
        r"Some sections are missing",
        "keep '.symtab', '.strtab' and '.shstrtab': don't strip with -s",
    ),
    (
        r"target symbol has unexpected section index 65522",
        "compile with -fno-common: the loader allocates no COMMON symbols",
    ),
    (
        r"PLT: cannot link read-only ELF file",
        "load the file from writable storage: before Zephyr 4.5 no other is linked on Xtensa",
    ),
    (r"Failed to copy .*, ret -14", "load a prelocated file from writable storage"),
)


def remedy(log: Iterable[Line]) -> str | None:
    """The action for the first line that has one."""
    for line in log:
        for pattern, action in REMEDIES:
            if re.match(pattern, line.text):
                return action
    return None
