# SPDX-License-Identifier: Apache-2.0
"""Excess nops of RISC-V code, deleted as a linker has to.

Code that may be relaxed has room at each alignment for the worst case; R_RISCV_ALIGN says how many
bytes of nops there are, and the linker keeps as many as are needed (RISC-V ELF psABI, "Alignment
Relaxation"). Nothing is relaxed here, so the sections alone decide how many that is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from west_llext.model.elf import SHF_EXECINSTR, ObjectFile, Relocation, Section, Symbol

R_RISCV_ALIGN = 43
_NOP = (0x13).to_bytes(4, "little")
_C_NOP = (0x01).to_bytes(2, "little")


class _Cut:
    # What is deleted from one section: where each cut begins, and how much all up to it delete.

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.sums: list[int] = [0]

    def add(self, start: int, size: int) -> None:
        self.starts.append(start)
        self.sums.append(self.sums[-1] + size)

    def moved(self, offset: int) -> int:
        # where an offset is afterwards: what is behind the start of a cut moves, but not before it
        before = bisect_left(self.starts, offset)
        if not before:
            return offset
        return max(offset - self.sums[before], self.starts[before - 1] - self.sums[before - 1])


def without_excess_nops(obj: ObjectFile) -> ObjectFile:
    """The object with every R_RISCV_ALIGN done and gone.

    What the psABI doesn't permit (padding that is too short, or not inside its section) keeps its
    relocation, which the table refuses.
    """
    cuts: dict[int, _Cut] = {}
    sections = list(obj.sections)
    relocations = dict(obj.relocations)
    data = bytearray()
    end = len(obj.data)
    for index, rows in obj.relocations.items():
        section = sections[index]
        # debug information has most of the relocations
        if not section.flags & SHF_EXECINSTR or all(each.type != R_RISCV_ALIGN for each in rows):
            continue
        made = _shortened(section, obj.content(index), rows)
        if made is None:
            continue
        content, cut, left = made
        cuts[index] = cut
        relocations[index] = left
        sections[index] = section._replace(offset=end + len(data), size=len(content))
        data += content
    if not cuts:
        return obj
    return replace(
        obj,
        data=obj.data + bytes(data),
        sections=tuple(sections),
        relocations=relocations,
        symbols=tuple(_moved(symbol, cuts.get(symbol.section)) for symbol in obj.symbols),
    )


def _shortened(
    section: Section, content: bytes, rows: Sequence[Relocation]
) -> tuple[bytes, _Cut, Sequence[Relocation]] | None:
    # the section without its excess nops; None where it can't be shortened
    cut, parts, done = _Cut(), [], 0
    for row in sorted(rows, key=lambda each: each.offset):
        if row.type != R_RISCV_ALIGN:
            continue
        room = row.addend or 0
        if room < 0 or row.offset < done or row.offset + room > len(content):
            return None
        alignment = 1 << room.bit_length()
        needed = -(row.offset - cut.sums[-1]) % alignment
        if needed > room or needed % 2 or alignment > max(section.align, 1):
            return None
        nops = _NOP * (needed // 4) + _C_NOP * (needed % 4 // 2)
        if room > needed:
            cut.add(row.offset + needed, room - needed)
        else:  # the assembler's own nops stay, in its own order
            nops = content[row.offset : row.offset + room]
        parts += [content[done : row.offset], nops]
        done = row.offset + room
    parts.append(content[done:])
    left = [
        each._replace(offset=cut.moved(each.offset)) for each in rows if each.type != R_RISCV_ALIGN
    ]
    return b"".join(parts), cut, left


def _moved(symbol: Symbol, cut: _Cut | None) -> Symbol:
    if cut is None:
        return symbol
    start, end = cut.moved(symbol.value), cut.moved(symbol.value + symbol.size)
    return symbol._replace(value=start, size=end - start)
