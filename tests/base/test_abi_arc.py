# SPDX-License-Identifier: Apache-2.0
"""What is said of ARC objects that don't suit the base image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from support.cross import gcc

from west_llext.arch.arc_abi import Tag
from west_llext.base.abi import abi_findings
from west_llext.elf.attributes import abi
from west_llext.elf.read import object_file
from west_llext.model.base import Abi
from west_llext.model.elf import Ident

EM, HS = 5, 6
HS38: Mapping[int, int | str] = {Tag.ISA_CONFIG: "CD,DIV_REM,LL64", Tag.ISA_MPY_OPTION: 9}


def arc(
    attributes: Mapping[int, int | str] | None = None, *, flags: int = HS, little: bool = True
) -> Abi:
    """A file; one of an HS38 if nothing is said."""
    ident = Ident(machine=195, bits=32, little=little, flags=0x400 | flags)
    return Abi(ident=ident, attributes=HS38 if attributes is None else attributes)


def said(obj: Abi, base: Abi) -> list[str]:
    """Every finding as it is shown."""
    return [str(each) for each in abi_findings("demo.o", obj, "zephyr.elf", base)]


def test_code_for_another_processor_is_found() -> None:
    """E_flags: EF_ARC_MACH_MSK."""
    assert said(arc(), arc(flags=EM)) == [
        """\
demo.o: error[B014]: can't be linked with base image 'zephyr.elf': it was built for ARC HS, the \
base image for ARC EM
hint: compile with -mcpu=arcem or the base image's own -mcpu"""
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "text"),
    [
        (
            1,
            0,
            (
                "it was compiled for the reduced register set, the base image for the full "
                "register set\nhint: compile without -mrf16"
            ),
        ),
        (
            0,
            1,
            (
                "it was compiled for the full register set, the base image for the reduced "
                "register set\nhint: compile with -mrf16"
            ),
        ),
    ],
)
def test_register_sets_differ(ours: int, theirs: int, text: str) -> None:
    """Arguments are in r0 to r3 with one, in r0 to r7 with the other."""
    obj, base = ({**HS38, Tag.ABI_RF16: each} for each in (ours, theirs))
    start = "demo.o: error[B015]: can't be linked with base image 'zephyr.elf': "
    assert said(arc(obj), arc(base)) == [start + text]


def test_instructions_that_the_base_was_built_without_are_warned_of() -> None:
    """Tag_ARC_ISA_config and Tag_ARC_ISA_mpy_option."""
    base = {Tag.ISA_CONFIG: "CD", Tag.ISA_MPY_OPTION: 2}
    start = "demo.o: warning[B014]: may disagree with base image 'zephyr.elf': it "
    assert said(arc(), arc(base)) == [
        (
            f"{start}uses divide instructions, of which the base image has none\n"
            "hint: compile with -mno-div-rem"
        ),
        (
            f"{start}uses loads and stores of 64 bits, of which the base image has none\n"
            "hint: compile with -mno-ll64"
        ),
        (
            f"{start}may use multiply option 9, the base image was built for option 2\n"
            "hint: compile with the base image's -mmpy-option"
        ),
    ]


def test_sizes_of_data_differ() -> None:
    """Tag_ARC_ABI_double_size and Tag_ARC_ABI_enumsize."""
    obj = {**HS38, Tag.ABI_DOUBLE_SIZE: 4, Tag.ABI_ENUMSIZE: 1}
    base = {**HS38, Tag.ABI_DOUBLE_SIZE: 8, Tag.ABI_ENUMSIZE: 2}
    assert said(arc(obj), arc(base)) == [
        """\
demo.o: error[B016]: can't be linked with base image 'zephyr.elf': its double has 4 bytes, that of \
the base image 8
hint: compile with -fno-short-double""",
        """\
demo.o: warning[B016]: may disagree with base image 'zephyr.elf': its enums have other sizes than \
those of the base image
hint: compile with the base image's -fshort-enums or -fno-short-enums""",
    ]


@pytest.mark.parametrize(
    ("obj", "base"),
    [
        (arc(), arc()),
        (arc({}), arc({Tag.ABI_RF16: 1})),
        (arc({Tag.ABI_RF16: 1}), arc({})),
        (arc({Tag.ISA_CONFIG: "CD"}), arc()),
        (arc(flags=0), arc(flags=EM)),
        (arc({Tag.ISA_MPY_OPTION: "odd", Tag.ISA_CONFIG: 7}), arc()),
        (arc({Tag.ABI_DOUBLE_SIZE: 4, Tag.ISA_CONFIG: ""}), arc()),
    ],
)
def test_files_that_suit_or_say_nothing_are_not_mentioned(obj: Abi, base: Abi) -> None:
    """An omitted tag says nothing; less than the base image has will do."""
    assert said(obj, base) == []


@pytest.mark.cross
def test_a_compiled_object_says_its_processor(tmp_path: Path) -> None:
    """Strings and numbers of the attributes section."""
    source = "int half(int x, int y) { return x / y + x * y; }"
    made = gcc(tmp_path, source, prefix="arc-linux-gnu-").read_bytes()
    found = abi(object_file(made, "unit.o"))
    assert found.ident.flags & 0xFF == HS
    assert found.attributes[Tag.ISA_CONFIG] == "CD,DIV_REM"
    assert found.attributes[Tag.ISA_MPY_OPTION] == 6
