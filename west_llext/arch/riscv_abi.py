# SPDX-License-Identifier: Apache-2.0
"""What RISC-V header flags and attributes say of a processor, and of code that doesn't fit it.

RISC-V ELF psABI 1.0, "File Header" (e_flags) and "Attributes". An ISA string lists everything that
the compiler was permitted to use: code may need less, never more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from west_llext.arch.machine import Concern, Mismatch
from west_llext.diagnostics import Severity
from west_llext.model.base import Abi

EF_RISCV_RVC = 0x1
EF_RISCV_FLOAT_ABI = 0x6
EF_RISCV_RVE = 0x8

_TAG_STACK_ALIGN = 4
_TAG_ARCH = 5
_TAG_UNALIGNED_ACCESS = 6

_FLOAT_ABI = {0: "soft", 2: "single", 4: "double", 6: "quad"}
_FLOAT_LETTER = {0: "", 2: "f", 4: "d", 6: "q"}
_VERSION = re.compile(r"\d+p\d+")

#: What an extension has in it, so that code for the parts runs as well.
_PARTS: Mapping[str, frozenset[str]] = {
    "a": frozenset({"zaamo", "zalrsc"}),
    "b": frozenset({"zba", "zbb", "zbs"}),
    "c": frozenset({"zca"}),
    "d": frozenset({"f"}),
    "g": frozenset({"i", "m", "a", "f", "d"}),
    "m": frozenset({"zmmul"}),
    "q": frozenset({"d"}),
    "v": frozenset({"zve64d", "zvl128b"}),
    "zcd": frozenset({"zca"}),
    "zcf": frozenset({"zca"}),
    "zfh": frozenset({"zfhmin"}),
    "zk": frozenset({"zkn", "zkr", "zkt"}),
    "zkn": frozenset({"zbkb", "zbkc", "zbkx", "zkne", "zknd", "zknh"}),
    "zks": frozenset({"zbkb", "zbkc", "zbkx", "zksed", "zksh"}),
    "zve32f": frozenset({"zve32x"}),
    "zve64d": frozenset({"zve64f"}),
    "zve64f": frozenset({"zve64x", "zve32f"}),
    "zve64x": frozenset({"zve32x", "zvl64b"}),
    "zve32x": frozenset({"zvl32b"}),
    "zvl64b": frozenset({"zvl32b"}),
    "zvl128b": frozenset({"zvl64b"}),
    "zvl256b": frozenset({"zvl128b"}),
    "zvl512b": frozenset({"zvl256b"}),
}
# until version 2.0 of the base, which many assemblers still write, these were part of it
_WERE_BASE = frozenset({"zicsr", "zifencei", "zicntr", "zihpm"})
# said by flags, or in another way
_ELSEWHERE = frozenset({"i", "e", "c", "zca"})


def extensions(isa: str) -> frozenset[str]:
    """The extensions that an ISA string lists, with what they have in them.

    `rv32i2p1_m2p0_c2p0_zicsr2p0` gives i, m, c, zca, zmmul and zicsr. Compressed loads of
    floating-point registers come with C where there are such registers.
    """
    wide = isa.lower().startswith("rv64")
    found: set[str] = set()
    for part in re.sub(r"^rv\d+", "", isa.lower()).split("_"):
        text = _VERSION.sub(" ", part)
        for name in text.split():
            # several letters in one word are extensions of one letter each
            multi = name[0] in "zsx" and len(name) > 1
            found.update({name} if multi else set(name))
    pending = list(found)
    while pending:
        new = _PARTS.get(pending.pop(), frozenset()) - found
        found |= new
        pending += new
    if "c" in found:
        found |= {"zcd"} if "d" in found else set()
        found |= {"zcf"} if "f" in found and not wide else set()
    return frozenset(found)


def shortest(isa: str) -> str:
    """The ISA string without versions, and without what other extensions of it have in them.

    `rv32i2p1_m2p0_a2p1_zmmul1p0_zaamo1p0` gives `rv32ima`, which every compiler knows.
    """
    base, *names = (_VERSION.sub("", part) for part in isa.lower().split("_"))
    long = [each for each in names if len(each) > 1]
    short = base + "".join(each for each in names if len(each) == 1)
    kept = [
        name
        for name in long
        if name not in extensions("_".join([short, *(each for each in long if each != name)]))
    ]
    return "_".join([short, *kept])


def mismatches(obj: Abi, base: Abi) -> tuple[Mismatch, ...]:
    """Why code of an object can't run with, or be called by, that of the base image."""
    return (*_flags(obj, base), *_isa(obj, base), *_memory(obj, base))


def _abi_name(base: Abi) -> str:
    flags = base.ident.flags
    letter = "e" if flags & EF_RISCV_RVE else _FLOAT_LETTER[flags & EF_RISCV_FLOAT_ABI]
    return ("ilp32" if base.ident.bits == 32 else "lp64") + letter


def _flags(obj: Abi, base: Abi) -> Iterator[Mismatch]:
    ours, theirs = obj.ident.flags, base.ident.flags
    if (ours ^ theirs) & EF_RISCV_FLOAT_ABI:
        mine, other = (_FLOAT_ABI[each & EF_RISCV_FLOAT_ABI] for each in (ours, theirs))
        yield Mismatch(
            concern=Concern.FLOAT,
            text=f"it uses the {mine}-float calling convention, the base image uses {other}-float",
            hint=f"compile with -mabi={_abi_name(base)}",
        )
    if (ours ^ theirs) & EF_RISCV_RVE:
        here = "16" if ours & EF_RISCV_RVE else "32"
        there = "16" if theirs & EF_RISCV_RVE else "32"
        yield Mismatch(
            concern=Concern.CONVENTION,
            text=f"it uses the calling convention of {here} registers, the base image that of "
            f"{there}",
            hint=f"compile with -mabi={_abi_name(base)}",
        )
    if ours & EF_RISCV_RVC and not theirs & EF_RISCV_RVC:
        yield Mismatch(
            concern=Concern.PROCESSOR,
            text="it has compressed instructions (C), the base image's processor has none",
            hint="compile with the base image's -march",
        )


def _isa(obj: Abi, base: Abi) -> Iterator[Mismatch]:
    ours, theirs = obj.attributes.get(_TAG_ARCH), base.attributes.get(_TAG_ARCH)
    if not isinstance(ours, str) or not isinstance(theirs, str):
        return
    lacking = sorted(extensions(ours) - extensions(theirs) - _WERE_BASE - _ELSEWHERE)
    if lacking:
        yield Mismatch(
            concern=Concern.PROCESSOR,
            text=f"it is for '{ours}', the base image's processor is '{theirs}', which lacks "
            f"{', '.join(lacking)}",
            hint="compile with the base image's -march",
        )


def _memory(obj: Abi, base: Abi) -> Iterator[Mismatch]:
    ours, theirs = obj.attributes.get(_TAG_STACK_ALIGN), base.attributes.get(_TAG_STACK_ALIGN)
    if ours and theirs and ours != theirs:
        yield Mismatch(
            concern=Concern.CONVENTION,
            text=f"it keeps the stack aligned to {ours} bytes, the base image to {theirs}",
            hint=f"compile with -mabi={_abi_name(base)}, without -mpreferred-stack-boundary",
        )
    unaligned = [each.attributes.get(_TAG_UNALIGNED_ACCESS) == 1 for each in (obj, base)]
    if unaligned == [True, False]:
        yield Mismatch(
            concern=Concern.CONVENTION,
            text="it may access unaligned data, the base image was built not to, so that its "
            "processor may trap it",
            hint="compile with -mstrict-align",
            severity=Severity.WARNING,
        )
