# SPDX-License-Identifier: Apache-2.0
"""Xtensa for comparisons: what the target's loader completes, and where calls go.

The loader part is written after llext_link_plt() and arch/xtensa/core/elf.c of Zephyr 4.3, the rest
after the ISA manual; neither shares code with the product. Little-endian files only.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from .hostloader import SHT_REL, SHT_RELA, Blob, read
from .loading import LoadError, signed

NOTYPE, OBJECT, FUNC, SECTION, LOCAL, GLOBAL = 0, 1, 2, 3, 0, 1
R_32 = 1


def completed(
    data: bytes, addresses: Mapping[str, int], find: Callable[[str], int | None]
) -> tuple[dict[str, bytes], set[str]]:
    """Memory by region label after loading, and the names that were looked up.

    The loader skips what it doesn't take, without a word; here that is an error.
    """
    blob = read(data)
    memory = {
        label: bytearray(data[section.offset : section.offset + section.size])
        for index, label in blob.region_of.items()
        if label != "bss" and (section := blob.sections[index])
    }
    looked_up: set[str] = set()
    for section in blob.sections:
        if section.type == SHT_REL:
            raise LoadError("a relocation section without addends")
        if section.type != SHT_RELA:
            continue
        label = blob.region_of[section.info]
        for at in range(section.offset, section.offset + section.size, 12):
            offset, info, addend = struct.unpack_from("<IIi", data, at)
            if info & 0xFF != R_32 or addend:
                raise LoadError(f"type {info & 0xFF} with addend {addend} isn't applied")
            value = _address(blob, info >> 8, addresses, find, looked_up)
            word = struct.unpack_from("<I", memory[label], offset)[0]
            struct.pack_into("<I", memory[label], offset, (word + value) & 0xFFFFFFFF)
    return {label: bytes(content) for label, content in memory.items()}, looked_up


def _address(
    blob: Blob,
    index: int,
    addresses: Mapping[str, int],
    find: Callable[[str], int | None],
    looked_up: set[str],
) -> int:
    name, _, _, info, section = blob.symbols[index]
    kind, binding = info & 15, info >> 4
    if kind not in {FUNC, SECTION, OBJECT} and (kind != NOTYPE or section):
        raise LoadError(f"a relocation against '{name}' is skipped")
    if binding == GLOBAL:
        looked_up.add(name)
        found = find(name)
        if found is None:
            raise LoadError(f"PLT: cannot find idx {index} name {name}")
        return found
    if kind != SECTION or binding != LOCAL:
        raise LoadError(f"a relocation against '{name}' gets the address of .text")
    return addresses[blob.region_of[section]]


_J = 6 << 2


def call(code: bytes, at: int, address: int) -> tuple[int, int] | None:
    """Kind (op0 and n) and target of the CALLn or J at an offset; None for anything else."""
    word = int.from_bytes(code[at : at + 3], "little")
    here = address + at
    kind = (word & 15) << 2 | word >> 4 & 3
    if kind >> 2 == 5:
        return kind, (here & ~3) + 4 + (signed(word >> 6, 18) << 2)
    return (kind, here + 4 + signed(word >> 6, 18)) if kind == _J else None


#: l32r aN, the word before; jx aN
_VENEERS = {bytes.fromhex(f"{n:x}1ffffa00{n:x}00"): n for n in (5, 9, 13)}
_REGISTERS = {5 << 2: 9, 5 << 2 | 1: 5, 5 << 2 | 2: 9, 5 << 2 | 3: 13, _J: 9}


def same_call(ours: bytes, expected: bytes, at: int, address: int) -> bool:
    """Whether our call goes through a veneer of its kind to where the linker's goes."""
    mine, right = call(ours, at, address), call(expected, at, address)
    if mine is None or right is None or mine[0] != right[0]:
        return False
    entry = mine[1] - address
    if not len(expected) < entry <= len(ours) - 6:
        return False
    (target,) = struct.unpack_from("<I", ours, entry - 4)
    return _VENEERS.get(ours[entry : entry + 6]) == _REGISTERS[mine[0]] and target == right[1]
