# SPDX-License-Identifier: Apache-2.0
"""RISC-V, as arch/riscv/core/elf.c relocates.

The place is written before the value is checked, so a value that doesn't fit is there although the
load fails. Values are of the width of a pointer: on RV32 everything wraps, and hardly anything
fails. JAL is checked as if it reached 2 GiB; SET6 and SUB6 keep 5 of the 6 bits. The search for a
PCREL_HI20 starts where the last one ended, even if that was in another section.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import NamedTuple

from west_llext.loader.errnos import Errno
from west_llext.loader.headers import SHT_RELA, Header
from west_llext.loader.link import lookup, read_symbol, relocation
from west_llext.loader.loading import Loading, Pairs, Rela
from west_llext.loader.machines.place import Place
from west_llext.loader.memory import Watch
from west_llext.loader.wording import pointer, signed

INT32_MAX = (1 << 31) - 1
PCREL_HI20, PCREL_LO12_I, PCREL_LO12_S = 23, 24, 25


class Bits(NamedTuple):
    """Where an instruction has its immediate: pairs of bit numbers, of the value and of the code.

    size: bytes of the instruction; mask: its bits that belong to the immediate
    """

    size: int
    mask: int
    pairs: tuple[tuple[int, int], ...]

    def put(self, code: int, value: int) -> int:
        """The instruction with another immediate."""
        found = code & ~self.mask
        for source, target in self.pairs:
            found |= (value >> source & 1) << target
        return found


def _bits(size: int, *runs: tuple[int, int, int]) -> Bits:
    # each run: lowest bit of the value, lowest bit of the code, how many bits
    pairs = tuple(
        (value + each, code + each) for value, code, count in runs for each in range(count)
    )
    return Bits(size, sum(1 << code for _, code in pairs), pairs)


# fmt: off
B_TYPE = _bits(4, (12, 31, 1), (5, 25, 6), (1, 8, 4), (11, 7, 1))
J_TYPE = _bits(4, (20, 31, 1), (1, 21, 10), (11, 20, 1), (12, 12, 8))
S_TYPE = _bits(4, (5, 25, 7), (0, 7, 5))
U_TYPE = _bits(4, (12, 12, 20))
I_TYPE = _bits(4, (0, 20, 12))
CB_TYPE = _bits(2, (8, 12, 1), (3, 10, 2), (6, 5, 2), (1, 3, 2), (5, 2, 1))
CJ_TYPE = _bits(2, (11, 12, 1), (4, 11, 1), (8, 9, 2), (10, 8, 1), (6, 7, 1), (7, 6, 1), (1, 3, 3),
                (5, 2, 1))
# fmt: on


def relocate(load: Loading, rel: Rela, header: Header) -> int:
    """Apply a relocation; 0 or an error."""
    at = Place(load, rel, header)
    result = at.resolve()
    if result:
        return result
    if at.kind in (PCREL_LO12_I, PCREL_LO12_S):
        result, value = _pair(load, at, header)
        if result:
            return _unpaired(load, at, result)
        at.S = value
    step = _STEPS.get(at.kind)
    return _unsupported(at) if step is None else step(load, at)


def _unpaired(load: Loading, at: Place, result: int) -> int:
    text = load.ext.mem[load.target.mem.text]
    at.error(
        f"Failed to resolve RISC-V PCREL relocation for symbol {at.shown()} at {pointer(at.P)} "
        f"with base address {pointer(at.S)} load address {pointer(text)} type {at.kind}"
    )
    return result


def _unsupported(at: Place) -> int:
    at.error(f"Unsupported relocation type: {at.kind} for symbol: {at.shown()}")
    return -Errno.ENOEXEC


def _pair(load: Loading, at: Place, header: Header) -> tuple[int, int]:
    # the value that the matching PCREL_HI20 stands for, with an error before it
    candidate = _candidate(load, at, header)
    if candidate is None:
        at.error("Could not find R_RISCV_PCREL_HI20 relocation for R_RISCV_PCREL_LO12 relocation!")
        return -Errno.ENOEXEC, 0
    rel = relocation(load, header, candidate)
    sym = read_symbol(load, rel)
    result, address = lookup(load, rel, sym, load.symbol_name(sym), header)
    if result:
        return result, 0
    place = load.section_pointer(header.info) + rel.offset
    return 0, address + (rel.addend or 0) - place & load.target.mask


def _candidate(load: Loading, at: Place, header: Header) -> int | None:
    # the first behind the last one that was found, or the first at all
    count = header.size // header.entsize
    start = load.world.last_pair if load.world.last_pair < count else 0
    found = _upper_halves(load, header).get(at.sym.value)
    if found is None:
        return None
    index = found[bisect_left(found, start) % len(found)]
    load.world.last_pair = index
    return index


def _upper_halves(load: Loading, header: Header) -> dict[int, list[int]]:
    # the PCREL_HI20 of a section by their places; kept while the section stays the same
    place, known = (header.offset, header.size), load.pairs
    if known is None or known.place != place or known.seen != _changes(known.watch):
        raw = load.fetch(*place, "a relocation section")
        form = load.forms.rela if header.type == SHT_RELA else load.forms.rel
        halves: dict[int, list[int]] = {}
        for index, fields in enumerate(form.iter_unpack(raw)):
            if fields[1] & 0xFF == PCREL_HI20:
                halves.setdefault(fields[0], []).append(index)
        watch = _watch(load, place, None if known is None else known.watch)
        load.pairs = known = Pairs(place, halves, watch, _changes(watch))
    return known.halves


def _changes(watch: Watch | None) -> int:
    return 0 if watch is None else watch.changes


def _watch(load: Loading, place: tuple[int, int], known: Watch | None) -> Watch | None:
    # over a part of the file, which has one watch at most; None where it isn't in memory
    offset, size = place
    start = load.ldr.peek(offset)
    block = load.memory.block(start) if start else None
    if start is None or block is None:
        return None
    if known is None:
        return block.watch(start, size)
    known.start, known.end = start - block.start, start - block.start + size
    return known


def _fits(at: Place, value: int, most: int) -> int:
    if value < 0:
        most += 1
    if abs(value) <= most:
        return 0
    at.error(f"{value} byte relocation is not possible for type {at.kind} (max {most})!")
    return -Errno.ENOEXEC


def _sum(load: Loading, at: Place) -> int:
    return signed(at.S + at.A, load.target.bits)


def _distance(load: Loading, at: Place) -> int:
    return signed(at.S + at.A - at.P, load.target.bits)


Value = Callable[[Loading, Place], int]
Step = Callable[[Loading, Place], int]


def _data(value: Value, size: int, most: int | None = None) -> Step:
    def step(load: Loading, at: Place) -> int:
        found = value(load, at)
        at.put(found, size)
        return 0 if most is None else _fits(at, found, most)

    return step


def _code(value: Value, bits: Bits, most: int | None = None) -> Step:
    def step(load: Loading, at: Place) -> int:
        found = value(load, at)
        at.put(bits.put(at.get(bits.size), found), bits.size)
        return 0 if most is None else _fits(at, found, most)

    return step


def _rounded(value: int) -> int:
    # the lower 12 bits are added as a signed number, the upper 20 make up for it
    return value + (value & 0x800)


def _upper(value: Value) -> Step:
    def step(load: Loading, at: Place) -> int:
        found = value(load, at)
        at.put(U_TYPE.put(at.get(4), _rounded(found)), 4)
        return _fits(at, found, INT32_MAX)

    return step


def _call(load: Loading, at: Place) -> int:
    found = _distance(load, at)
    at.put(U_TYPE.put(at.get(4), _rounded(found)), 4)
    at.put(I_TYPE.put(at.get(4, 4), found), 4, 4)
    return _fits(at, found, INT32_MAX)


def _arithmetic(size: int, sign: int) -> Step:
    def step(load: Loading, at: Place) -> int:
        at.put(at.get(size) + sign * _sum(load, at), size)
        return 0

    return step


def _sub6(load: Loading, at: Place) -> int:
    kept = at.get(1) & 0x1F
    at.put(kept | kept - _sum(load, at) & 0x1F, 1)
    return 0


def _set6(load: Loading, at: Place) -> int:
    at.put(at.get(1) & 0x1F | _sum(load, at) & 0xFF, 1)
    return 0


def _relative(load: Loading, at: Place) -> int:
    at.put(load.ext.mem[load.target.mem.text] + at.A, load.target.pointer)
    return 0


def _slot(load: Loading, at: Place) -> int:
    at.put(at.S, load.target.pointer)
    return 0


def _paired(load: Loading, at: Place) -> int:  # noqa: ARG001  # a value
    return at.S


def _align(load: Loading, at: Place) -> int:  # noqa: ARG001  # a step
    align = 1
    while align < at.A:
        align *= 2
    at.error(
        f"Symbol {at.shown()} with location {pointer(at.P)} requires alignment to {align} bytes!"
    )
    at.error("Alignment relocation is currently not supported!")
    return -Errno.ENOEXEC


def _nothing(load: Loading, at: Place) -> int:  # noqa: ARG001  # a step
    return 0


# fmt: off
_STEPS: dict[int, Step] = {
    0: _nothing,                                        # NONE
    1: _data(_sum, 4, INT32_MAX),                       # 32
    2: _data(_sum, 8),                                  # 64
    3: _relative,                                       # RELATIVE
    5: _slot,                                           # JUMP_SLOT
    16: _code(_distance, B_TYPE, (1 << 12) - 1),        # BRANCH
    17: _code(_distance, J_TYPE, INT32_MAX),            # JAL
    18: _call, 19: _call,                               # CALL, CALL_PLT
    23: _upper(_distance),                              # PCREL_HI20
    24: _code(_paired, I_TYPE),                         # PCREL_LO12_I
    25: _code(_paired, S_TYPE),                         # PCREL_LO12_S
    26: _upper(_sum),                                   # HI20
    27: _code(_sum, I_TYPE, INT32_MAX),                 # LO12_I
    28: _code(_sum, S_TYPE),                            # LO12_S
    33: _arithmetic(1, 1), 34: _arithmetic(2, 1),       # ADD8, ADD16
    35: _arithmetic(4, 1), 36: _arithmetic(8, 1),       # ADD32, ADD64
    37: _arithmetic(1, -1), 38: _arithmetic(2, -1),     # SUB8, SUB16
    39: _arithmetic(4, -1), 40: _arithmetic(8, -1),     # SUB32, SUB64
    43: _align,                                         # ALIGN
    44: _code(_distance, CB_TYPE, (1 << 8) - 1),        # RVC_BRANCH
    45: _code(_distance, CJ_TYPE, (1 << 11) - 1),       # RVC_JUMP
    51: _nothing,                                       # RELAX
    52: _sub6, 53: _set6,                               # SUB6, SET6
    54: _data(_sum, 1), 55: _data(_sum, 2),             # SET8, SET16
    56: _data(_sum, 4),                                 # SET32
    57: _data(_distance, 4, INT32_MAX),                 # 32_PCREL
    59: _data(_distance, 4, INT32_MAX),                 # PLT32
}
# fmt: on
