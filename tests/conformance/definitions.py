# SPDX-License-Identifier: Apache-2.0
"""Definitions of what an object lacks, each where every reference to it gets.

GNU ld then makes no veneers of its own. The addresses depend on the object and the symbol, so that
many bits of every field are seen set and clear.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.conformance.corpus import Member
from tests.support import gnuld
from tests.support.elfbuild import FUNC, NOTYPE, OBJECT, SHN_ABS, TLS, Sym
from west_llext.model.elf import STB_WEAK, STT_TLS, Ident, ObjectFile, Symbol

EM_386, EM_ARM, EM_X86_64, EM_XTENSA, EM_AARCH64 = 3, 40, 62, 94, 183
EM_ARC_700, EM_ARC, EM_RISCV = 93, 195, 243
# Arm: relocation numbers of what can change the instruction set, what can't, and how far it gets
_CALLS = {10: "thumb", 28: "arm"}
_JUMPS = {1: "arm", 27: "arm", 29: "arm", 30: "thumb", 51: "thumb", 102: "thumb", 103: "thumb"}
#: Names of no symbol, and by machine of what every linker defines, where the link does it too.
_NONE = frozenset({""})
_LINKERS = dict.fromkeys((EM_386, EM_X86_64, EM_AARCH64), _NONE | {"_GLOBAL_OFFSET_TABLE_"})
# ARC: 14 to 17, and the same through a procedure linkage table; only calls to words are longer
_ARC = {
    **dict.fromkeys((14, 15, 60, 77), 0x80000),
    **dict.fromkeys((16, 17, 61, 76), 0x200000),
    25: 0x800,
}
#: By e_machine: relocation numbers of branches with how far from the start of the code their
#: targets can be, in bytes; None where any distance will do.
REACH: Mapping[int, Mapping[int, int]] = {
    EM_ARM: {51: 0x80000, 102: 0x200, 103: 0x40},
    EM_AARCH64: {273: 0x40000, 274: 0x40000, 279: 0x1000, 280: 0x40000},
    EM_386: {},
    EM_X86_64: {},
    EM_XTENSA: {20: 0x10000},
    EM_ARC_700: _ARC,
    EM_ARC: _ARC,
    EM_RISCV: {16: 0x800, 17: 0x80000, 44: 0x80, 45: 0x400},
}
#: Distance of everything else, so that a 32-bit address is near enough for every machine.
_FAR = 0x200000


#: Weak symbols of an object that stay undefined, at most: they all have the same word of a table.
_MOST_UNDEFINED = 4


def definitions(obj: ObjectFile, member: Member, text: int, *, every: bool = False) -> list[Sym]:
    """Definitions of what the object lacks; `text` is where its code begins.

    every: whether all weak symbols are defined, instead of half of them
    """
    kinds: dict[int, set[int]] = {}
    odd: set[int] = set()
    for section, rows in obj.relocations.items():
        content = obj.content(section)
        for row in rows:
            kinds.setdefault(row.symbol, set()).add(row.type)
            if row.type not in _CALLS and row.type not in _JUMPS and content[row.offset] & 1:
                odd.add(row.symbol)
    found = []
    undefined = 0
    made = _LINKERS.get(obj.ident.machine, _NONE) | bounds(obj)
    for index, symbol in enumerate(obj.symbols):
        if symbol.section or symbol.name in made:
            continue
        used = kinds.get(index, set())
        # GNU ld lets no branch of Xtensa's go to address 0
        needed = obj.ident.machine == EM_XTENSA and used & REACH[EM_XTENSA].keys()
        skipped = not every and not needed and (member.ordinal + index) % 2
        # no two linkers have the same idea of the offset of a variable that isn't there
        thread = symbol.type == STT_TLS
        if symbol.binding == STB_WEAK and skipped and not thread and undefined < _MOST_UNDEFINED:
            undefined += 1
            continue
        if symbol.type == STT_TLS:
            found.append(Sym(name=symbol.name, value=index % 256 * 4, type=TLS, section=".tbss"))
        elif obj.ident.machine != EM_ARM:
            found.append(_plain(symbol, member.ordinal + index, used, obj.ident, text))
        elif index in odd:
            # an odd offset from a Thumb function means nothing: (S + A) | T isn't S | T + A
            value = 0x2000_0000 + index * 4
            found.append(Sym(name=symbol.name, value=value, type=OBJECT, section=SHN_ABS))
        else:
            found.append(_arm(symbol, index, used, member, text))
    return found


def bounds(obj: ObjectFile) -> set[str]:
    """Symbols that linkers define for the object's own sections."""
    names = gnuld.bounded_sections(obj.data).values()
    return {f"{prefix}{name}" for name in names for prefix in ("__start_", "__stop_")}


def _address(kinds: set[int], machine: int, turn: int, text: int) -> int:
    reaches = REACH[machine]
    reach = min([reaches[kind] for kind in kinds if kind in reaches], default=_FAR)
    return text - reach if turn % 3 == 0 else text + reach


def _plain(symbol: Symbol, turn: int, kinds: set[int], ident: Ident, text: int) -> Sym:
    # no bit of an address has a meaning of its own; data may have any alignment up to 16
    near = kinds & REACH[ident.machine].keys()
    # what can be far has an address of its own, by which words of a table are told apart
    address = _address(kinds, ident.machine, turn, text) + turn % (13 if near else 251) * 16
    kind = FUNC if near else (FUNC, OBJECT, NOTYPE)[turn % 3]
    value = address & (1 << ident.bits) - 1
    return Sym(name=symbol.name, value=value, type=kind, section=SHN_ABS)


def _arm(symbol: Symbol, index: int, kinds: set[int], member: Member, text: int) -> Sym:
    turn = member.ordinal + index
    address = _address(kinds, EM_ARM, turn, text) + index % 13 * 4
    states = {state for kind, state in _JUMPS.items() if kind in kinds}
    if not states and kinds & _CALLS.keys():
        # a call can end in either instruction set, where the core has both
        states = {"thumb" if turn % 2 or member.arch != "v5te" else "arm"}
    if states:
        odd = states == {"thumb"}
        return Sym(name=symbol.name, value=address | odd, type=FUNC, section=SHN_ABS)
    kind = (FUNC, OBJECT, NOTYPE)[turn % 3]
    value = address * 5 + turn % 4 if kind != FUNC else address | 1
    return Sym(name=symbol.name, value=value & 0xFFFFFFFF, type=kind, section=SHN_ABS)
