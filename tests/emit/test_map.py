# SPDX-License-Identifier: Apache-2.0
"""The map of an extension."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from support.linked import prelocated, relocatable

from west_llext.emit.map import text
from west_llext.emit.veneers import Veneer, veneers
from west_llext.model.elf import Symbol
from west_llext.model.link import Import, Piece


def test_a_prelocated_extension_shows_its_addresses() -> None:
    """The whole text, with the values of tests/support/linked.py; bit 0 marks Thumb functions."""
    assert (
        text(prelocated(), origin="app/llext.yml").expandtabs(8)
        == f"""\
west-llext: map of filters, from app/llext.yml
mode prelocated
identity {"5d" * 32}

sections
address         size    align   name
0x21000100      64      4       .text
0x21040020      4       4       .data
0x21000140      8       8       .rodata
0x21040024      12      4       .bss

pieces of .text
address         size    name
0x21000100      32      .text.run
0x21000120      24      .text.step
0x21000138      8       veneer for printk

pieces of .data
address         size    name
0x21040020      4       .data.state

symbols in .text
address         size    name
0x21000101      32      run
0x21000121      24      step

symbols in .data
address         size    name
0x21040020      4       state

imports
address         uses    from    name
0x00001235      2       -       memcpy
0x00001001      3       -       printk
nowhere         1       -       trace
0x21000801      1       mathlib mean

veneers
address         size    target
0x21000138      8       printk

relocations
applied left    type
2       0       R_ARM_ABS32
5       0       R_ARM_THM_CALL
"""
    )


def test_an_extension_without_addresses_shows_offsets() -> None:
    """The lines that differ from those of the prelocated one."""
    lines = text(relocatable(), origin="llext.yml").expandtabs(8).splitlines()
    assert lines[:3] == ["west-llext: map of hello, from llext.yml", "mode relocatable", ""]
    assert "floating        64      4       .text" in lines
    assert "0x00000021      24      step" in lines
    assert "by name         2       -       memcpy" in lines
    assert "nowhere         1       -       trace" in lines
    assert "by name         1       mathlib mean" in lines
    assert "1       4       R_ARM_THM_CALL" in lines
    assert not [line for line in lines if line.startswith("identity")]


def test_symbols_are_sorted_by_address_then_size_then_name() -> None:
    """Whatever their order in the object; undefined and absolute ones aren't in a section."""
    table = tuple(
        Symbol(name, value, size, 0x12, 0, section)
        for name, value, size, section in [
            ("d", 9, 1, 1),
            ("c", 5, 2, 1),
            ("b", 5, 2, 1),
            ("a", 5, 1, 1),
            ("gone", 0, 0, 0),
            ("absolute", 1, 0, 0xFFF1),
        ]
    )
    shown = text(replace(prelocated(), all_symbols=table), origin="x")
    part = shown[shown.index("symbols in .text") : shown.index("\nimports")]
    assert [line.split("\t")[-1] for line in part.splitlines()[2:]] == ["a", "b", "c", "d"]


def test_a_64_bit_target_has_longer_addresses() -> None:
    """As many digits as the address has."""
    linked = prelocated()
    wide = replace(linked, ident=replace(linked.ident, bits=64))
    assert "0x0000000021000101\t32\trun\n" in text(wide, origin="x")


@settings(deadline=None)
@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_no_name_breaks_a_line_or_reaches_the_terminal(name: str, origin: str) -> None:
    """Names in objects may hold line feeds and escape sequences: the count of lines stays."""
    hostile = replace(
        prelocated(),
        all_symbols=(Symbol(name, 1, 2, 0x12, 0, 1),),
        imports=(Import(name, None, 5, weak=False, references=1),),
    )
    sections = list(hostile.sections)
    sections[0] = replace(
        sections[0], pieces=(Piece(f".{name}", 0, 4), Piece(f"veneer for {name}", 4, 8))
    )
    hostile = replace(hostile, sections=tuple(sections))
    plain = replace(
        hostile,
        all_symbols=(Symbol("x", 1, 2, 0x12, 0, 1),),
        imports=(Import("x", None, 5, weak=False, references=1),),
        sections=(
            replace(sections[0], pieces=(Piece("x", 0, 4), Piece("veneer for x", 4, 8))),
            *sections[1:],
        ),
    )
    shown = text(hostile, origin=origin)
    assert shown.count("\n") == text(plain, origin="x").count("\n")
    assert shown.replace("\n", "").replace("\t", "").isprintable()


def test_veneers_are_found_by_their_pieces() -> None:
    """Address where placed, offset where not."""
    assert veneers(prelocated()) == (Veneer("printk", 0x21000138, 8),)
    assert veneers(relocatable()) == (Veneer("printk", 0x38, 8),)
