# SPDX-License-Identifier: Apache-2.0
"""Bounds of sections (`__start_NAME`, `__stop_NAME`), held against a whole link by GNU ld."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from support.cross import output, tool
from support.linking import Outcome, data
from support.oracle import assembled, link

from west_llext.model.region import Region

pytestmark = pytest.mark.cross

ENTRIES = """
    .section .rodata
    .word 0x11111111
    .section ents, "a", %progbits
    .word 1, 2, 3
    .section more, "aw", %nobits
    .space 20
    .data
    .word __start_ents, __stop_ents, __start_more, __stop_more + 4
"""


def words(made: Outcome) -> tuple[int, ...]:
    """What is in .data."""
    content = made.content(Region.DATA)
    return struct.unpack(f"<{len(content) // 4}I", content)


def test_bounds_are_those_of_gnu_ld(tmp_path: Path) -> None:
    """Both linkers say how far each is from the section's own first byte."""
    made = link(assembled(tmp_path, ENTRIES))
    start, stop, more, behind = words(made)
    rodata, bss = made.addresses[Region.RODATA], made.addresses[Region.BSS]
    content = made.content(Region.RODATA)
    assert content[start - rodata : stop - rodata] == struct.pack("<3I", 1, 2, 3)
    ours = (stop - start, more - bss, behind - 4 - more)

    whole = tmp_path / "whole.elf"
    flags = ("-e", "0", "--section-start=ents=0x80000", "--section-start=more=0x90000")
    output(tool("ld"), *flags, "-o", str(whole), str(tmp_path / "unit.o"))
    rows = map(str.split, output(tool("nm"), str(whole)).splitlines())
    theirs = {row[2]: int(row[0], 16) for row in rows}
    assert (theirs["__start_ents"], theirs["__start_more"]) == (0x80000, 0x90000)
    sizes = (theirs["__stop_ents"] - 0x80000, 0, theirs["__stop_more"] - 0x90000)
    assert ours == sizes == (12, 0, 20)


def test_the_extensions_own_section_goes_before_the_base_image(tmp_path: Path) -> None:
    """The base image may have a section of that name, too, and its bounds (hidden, to GNU ld)."""
    base = [data("__start_ents", 0x100), data("__stop_more", 0x200)]
    start, _, more, _ = words(link(assembled(tmp_path, ENTRIES), base))
    assert start != 0x100
    assert more != 0x200


@pytest.mark.parametrize(
    "section",
    [
        '.section .ents, "a", %progbits\n.word 1',  # no name of a variable
        '.section ents, "", %progbits\n.word 1',  # not loaded
        '.section ents, "a"\n.word 1\n.section ents, "axG", %progbits, g, comdat\n.word 2',
    ],
    ids=["no identifier", "not loaded", "in parts"],
)
def test_other_bounds_are_missing(section: str, tmp_path: Path) -> None:
    """S001, as of any symbol; whoever defines it in the base image means that."""
    source = f"{section}\n.data\n.word __start_ents\n"
    (found,) = [str(each) for each in link(assembled(tmp_path, source)).findings]
    assert "needs '__start_ents' (at .data+0x0): " in found
    assert words(link(assembled(tmp_path, source), [data("__start_ents", 0x100)])) == (0x100,)


def test_own_definitions_stay(tmp_path: Path) -> None:
    """A symbol of that name may be anything."""
    source = f"{ENTRIES}\n.global __start_ents\n.set __start_ents, 0x77\n"
    assert words(link(assembled(tmp_path, source)))[0] == 0x77
