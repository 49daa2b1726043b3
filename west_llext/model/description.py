# SPDX-License-Identifier: Apache-2.0
"""How a base image's description spells what ELF has numbers for; shared by writer and reader."""

from __future__ import annotations

from west_llext.model.elf import (
    STT_FUNC,
    STT_GNU_IFUNC,
    STT_NOTYPE,
    STT_OBJECT,
    STT_TLS,
)

#: Version of the shape.
SCHEMA = 1
#: What `describes` holds, by which a description is known.
DESCRIBES = "base image"

#: STT_* as words.
SYMBOL_TYPES = {
    STT_NOTYPE: "notype",
    STT_OBJECT: "object",
    STT_FUNC: "function",
    STT_TLS: "tls",
    STT_GNU_IFUNC: "ifunc",
}
#: PF_* as letters, in the order in which they are written.
ACCESS = (("r", 4), ("w", 2), ("x", 1))
