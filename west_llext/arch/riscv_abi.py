# SPDX-License-Identifier: Apache-2.0
"""What RISC-V header flags and attributes say of a processor, and of code that doesn't fit it.

RISC-V ELF psABI 1.0, "File Header" (e_flags) and "Attributes". An ISA string lists everything that
the compiler was permitted to use: code may need less, never more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from west_llext.arch.machine import Concern, Mismatch
from west_llext.model.base import Abi

EF_RISCV_RVC = 0x1
EF_RISCV_FLOAT_ABI = 0x6
EF_RISCV_RVE = 0x8

_TAG_STACK_ALIGN = 4
_TAG_ARCH = 5

_FLOAT_ABI = {0: "soft", 2: "single", 4: "double", 6: "quad"}
_FLOAT_LETTER = {0: "", 2: "f", 4: "d", 6: "q"}
_VERSION = re.compile(r"\d+p\d+")

#: What an extension has in it, so that code for the parts runs as well.
_PARTS: Mapping[str, frozenset[str]] = {
    "a": frozenset({"zaamo", "zalrsc"}),
    "b": frozenset({"zba", "zbb", "zbs"}),
    "c": frozenset({"zca", "zcf", "zcd"}),
    "d": frozenset({"f"}),
    "g": frozenset({"i", "m", "a", "f", "d"}),
    "m": frozenset({"zmmul"}),
    "q": frozenset({"d", "f"}),
}
# until version 2.0 of the base, which many assemblers still write, these were part of it
_WERE_BASE = frozenset({"zicsr", "zifencei"})


def extensions(isa: str) -> frozenset[str]:
    """The extensions that an ISA string lists, with what they have in them.

    `rv32i2p1_m2p0_c2p0_zicsr2p0` gives i, m, c, zca, zcf, zcd, zmmul and zicsr.
    """
    found: set[str] = set()
    for part in re.sub(r"^rv\d+", "", isa.lower()).split("_"):
        text = _VERSION.sub(" ", part)
        for name in text.split():
            # several letters in one word are extensions of one letter each
            multi = name[0] in "zsx" and len(name) > 1
            found.update({name} if multi else set(name))
    for name in tuple(found):
        found |= _PARTS.get(name, frozenset())
    for name in tuple(found):
        found |= _PARTS.get(name, frozenset())
    return frozenset(found)


def mismatches(obj: Abi, base: Abi) -> tuple[Mismatch, ...]:
    """Why code of an object can't run with, or be called by, that of the base image."""
    return (*_flags(obj.ident.flags, base.ident.flags), *_isa(obj, base), *_stack(obj, base))


def _flags(ours: int, theirs: int) -> Iterator[Mismatch]:
    if (ours ^ theirs) & EF_RISCV_FLOAT_ABI:
        mine, other = (_FLOAT_ABI[each & EF_RISCV_FLOAT_ABI] for each in (ours, theirs))
        bits = f"ilp32{_FLOAT_LETTER[theirs & EF_RISCV_FLOAT_ABI]}"
        yield Mismatch(
            concern=Concern.FLOAT,
            text=f"it uses the {mine}-float calling convention, the base image uses {other}-float",
            hint=f"compile with -mabi={bits} (or its 64-bit counterpart)",
        )
    if (ours ^ theirs) & EF_RISCV_RVE:
        here = "16" if ours & EF_RISCV_RVE else "32"
        there = "16" if theirs & EF_RISCV_RVE else "32"
        yield Mismatch(
            concern=Concern.CONVENTION,
            text=f"it uses the calling convention of {here} registers, the base image that of "
            f"{there}",
            hint="compile with the base image's -mabi",
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
    lacking = sorted(extensions(ours) - extensions(theirs) - _WERE_BASE - {"i", "e", "c"})
    if lacking:
        yield Mismatch(
            concern=Concern.PROCESSOR,
            text=f"it is for '{ours}', the base image's processor is '{theirs}', which lacks "
            f"{', '.join(lacking)}",
            hint="compile with the base image's -march",
        )


def _stack(obj: Abi, base: Abi) -> Iterator[Mismatch]:
    ours, theirs = obj.attributes.get(_TAG_STACK_ALIGN), base.attributes.get(_TAG_STACK_ALIGN)
    if ours and theirs and ours != theirs:
        yield Mismatch(
            concern=Concern.CONVENTION,
            text=f"it keeps the stack aligned to {ours} bytes, the base image to {theirs}",
            hint="compile with the base image's -mabi and -mpreferred-stack-boundary",
        )
