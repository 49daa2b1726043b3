# SPDX-License-Identifier: Apache-2.0
"""What ARC build attributes and header flags say of a processor, and of code that doesn't fit it.

Facts: include/elf/arc.h of GNU binutils 2.40, and how its linker merges attributes
(bfd/elf32-arc.c). An omitted tag has the value 0, which says nothing. The assembler lists the
extensions that code uses; a processor may have more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum

from west_llext.arch.machine import Concern, Core, Mismatch
from west_llext.diagnostics import Severity
from west_llext.model.base import Abi
from west_llext.model.elf import Ident

EF_ARC_MACH_MSK = 0xFF

#: The processor in e_flags: its name, and what -mcpu calls it.
PROCESSORS: Mapping[int, tuple[str, str]] = {
    2: ("ARC 600", "arc600"),
    3: ("ARC 700", "arc700"),
    4: ("ARC 601", "arc601"),
    5: ("ARC EM", "arcem"),
    6: ("ARC HS", "archs"),
}


class Tag(IntEnum):
    """Attribute tags, with the names that binutils has for them."""

    ABI_RF16 = 8
    ABI_ENUMSIZE = 13
    ABI_DOUBLE_SIZE = 15
    ISA_CONFIG = 16
    ISA_MPY_OPTION = 18


#: Instructions that a processor may lack, as Tag_ARC_ISA_config lists them where code uses them: what
#: they are, and the flag that does without.
EXTENSIONS: Mapping[str, tuple[str, str]] = {
    "CD": ("code density instructions", "-mno-code-density"),
    "DIV_REM": ("divide instructions", "-mno-div-rem"),
    "SA": ("add-and-shift instructions", "-mcpu of the base image"),
    "LL64": ("loads and stores of 64 bits", "-mno-ll64"),
    "FPUS": ("floating-point instructions, single precision", "-mfpu of the base image"),
    "FPUD": ("floating-point instructions, double precision", "-mfpu of the base image"),
    "FPUDA": ("floating-point assist instructions", "-mfpu of the base image"),
    "QUARKSE1": ("Quark SE instructions", "-mcpu of the base image"),
    "QUARKSE2": ("Quark SE instructions", "-mcpu of the base image"),
}


def core(ident: Ident, attributes: Mapping[int, int | str]) -> Core:
    """Nothing that the link depends on: one form of veneer serves all."""
    del ident, attributes
    return Core()


def mismatches(obj: Abi, base: Abi) -> tuple[Mismatch, ...]:
    """Why code of an object can't run with, or be called by, that of the base image.

    Where a file says nothing, nothing is assumed.
    """
    found = [*_processor(obj.ident, base.ident)]
    if obj.attributes and base.attributes:
        found += _registers(obj.attributes, base.attributes)
        found += _extensions(obj.attributes, base.attributes)
        found += _data(obj.attributes, base.attributes)
    return tuple(found)


def _number(attributes: Mapping[int, int | str], tag: Tag) -> int:
    value = attributes.get(tag, 0)
    return value if isinstance(value, int) else 0


def _processor(obj: Ident, base: Ident) -> Iterator[Mismatch]:
    ours = PROCESSORS.get(obj.flags & EF_ARC_MACH_MSK)
    theirs = PROCESSORS.get(base.flags & EF_ARC_MACH_MSK)
    if ours is not None and theirs is not None and ours != theirs:
        yield Mismatch(
            concern=Concern.PROCESSOR,
            text=f"it was built for {ours[0]}, the base image for {theirs[0]}",
            hint=f"compile with -mcpu={theirs[1]} or the base image's own -mcpu",
        )


def _registers(obj: Mapping[int, int | str], base: Mapping[int, int | str]) -> Iterator[Mismatch]:
    # with 16 registers arguments are in r0 to r3, with all of them in r0 to r7
    ours, theirs = _number(obj, Tag.ABI_RF16), _number(base, Tag.ABI_RF16)
    if ours != theirs:
        few, all_of_them = "the reduced register set", "the full register set"
        yield Mismatch(
            concern=Concern.CONVENTION,
            text=f"it was compiled for {few if ours else all_of_them}, the base image for "
            f"{few if theirs else all_of_them}",
            hint="compile with -mrf16" if theirs else "compile without -mrf16",
        )


def _extensions(obj: Mapping[int, int | str], base: Mapping[int, int | str]) -> Iterator[Mismatch]:
    # that no code of the base image uses them doesn't mean that its processor lacks them
    ours, theirs = _config(obj), _config(base)
    for name, (what, flag) in EXTENSIONS.items():
        if name in ours and name not in theirs:
            yield Mismatch(
                concern=Concern.PROCESSOR,
                text=f"it uses {what}, of which the base image has none",
                hint=f"compile with {flag}",
                severity=Severity.WARNING,
            )
    option, has = _number(obj, Tag.ISA_MPY_OPTION), _number(base, Tag.ISA_MPY_OPTION)
    if has and option > has:
        yield Mismatch(
            concern=Concern.PROCESSOR,
            text=f"it may use multiply option {option}, the base image was built for option {has}",
            hint="compile with the base image's -mmpy-option",
            severity=Severity.WARNING,
        )


def _config(attributes: Mapping[int, int | str]) -> frozenset[str]:
    return frozenset(str(attributes.get(Tag.ISA_CONFIG, "")).split(","))


def _data(obj: Mapping[int, int | str], base: Mapping[int, int | str]) -> Iterator[Mismatch]:
    sizes = _number(obj, Tag.ABI_DOUBLE_SIZE), _number(base, Tag.ABI_DOUBLE_SIZE)
    if 0 not in sizes and sizes[0] != sizes[1]:
        yield Mismatch(
            concern=Concern.DATA,
            text=f"its double has {sizes[0]} bytes, that of the base image {sizes[1]}",
            hint="compile with "
            + ("-fno-short-double" if sizes[1] > sizes[0] else "-fshort-double"),
        )
    enums = _number(obj, Tag.ABI_ENUMSIZE), _number(base, Tag.ABI_ENUMSIZE)
    if 0 not in enums and enums[0] != enums[1]:
        yield Mismatch(
            concern=Concern.DATA,
            text="its enums have other sizes than those of the base image",
            hint="compile with the base image's -fshort-enums or -fno-short-enums",
            severity=Severity.WARNING,
        )
