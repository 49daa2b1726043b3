# SPDX-License-Identifier: Apache-2.0
"""Relocation sections, and what symbols stand for."""

from __future__ import annotations

import pytest
from support.elfbuild import (
    FUNC,
    OBJECT,
    PROGBITS,
    RELA,
    SHN_ABS,
    SHN_COMMON,
    WEAK,
    Rel,
    Sec,
    Sym,
    patched,
    section_field,
    section_number,
)
from support.loads import code, extension, load, logged, region, target

from west_llext.loader.danger import Danger
from west_llext.loader.system import System
from west_llext.loader.versions import NEWEST, Version

ABS32 = 2
LINK = "E: Failed to link, ret -8"


def word(symbol: str | int, *, offset: int = 0, type_: int = ABS32) -> Sec:
    """Code whose first word is the address of a symbol."""
    return code(bytes(4), relocations=[Rel(offset=offset, type=type_, symbol=symbol)])


def test_a_symbol_of_the_base_image_is_found_by_name() -> None:
    """Its address is added as it is."""
    on = target(symbols={b"printk": 0x4511})
    system, loaded = load(extension(word("printk"), symbols=[Sym(name="printk")]), on)
    assert region(system, loaded, "text").hex() == "11450000"


def test_a_symbol_of_the_base_image_without_an_address_is_not_there() -> None:
    """An unimplemented system call."""
    on = target(symbols={b"z_impl": 0})
    _, loaded = load(extension(word("z_impl"), symbols=[Sym(name="z_impl")]), on)
    assert loaded.result == -61


def test_a_weak_symbol_that_nobody_defines_fails_like_any_other() -> None:
    """-ENODATA, with the place of the reference."""
    _, loaded = load(extension(word("maybe"), symbols=[Sym(name="maybe", binding=WEAK)]))
    assert (loaded.result, logged(loaded)) == (
        -61,
        [
            "E: Undefined symbol with no entry in symbol table maybe, offset 0, link section 3",
            "E: Could not find symbol maybe!",
            "E: Failed to link, ret -61",
        ],
    )


@pytest.mark.parametrize(("release", "warned"), [((4, 1), False), ((4, 3), True)])
def test_a_missing_device_is_explained_since_4_2(release: tuple[int, int], *, warned: bool) -> None:
    """Unless the base image exports devices."""
    data = extension(word("__device_dts_ord_7"), symbols=[Sym(name="__device_dts_ord_7")])
    line = (
        "W: (Device objects are not available for import because CONFIG_LLEXT_EXPORT_DEVICES is "
        "not enabled)"
    )
    _, loaded = load(data, target(version=Version(*release)))
    assert (line in logged(loaded)) == warned
    _, loaded = load(data, target(version=Version(*release), devices=True))
    assert line not in logged(loaded)


def test_an_absolute_symbol_is_its_value() -> None:
    """No name is looked up."""
    absolute = Sym(name="printk", value=0x1235, section=SHN_ABS)
    system, loaded = load(extension(word("printk"), symbols=[absolute]))
    assert region(system, loaded, "text").hex() == "35120000"


def test_a_common_symbol_is_refused() -> None:
    """Nobody has allocated it."""
    _, loaded = load(extension(word("c"), symbols=[Sym(name="c", section=SHN_COMMON)]))
    assert (loaded.result, logged(loaded)) == (
        -8,
        [
            "E: cannot apply relocation: target symbol has unexpected section index 65522 (0xfff2)",
            "E: Could not find symbol c!",
            LINK,
        ],
    )


def test_a_symbol_of_a_section_that_is_not_loaded_is_its_plain_value() -> None:
    """Silently; from 4.5 on it is an error."""
    note = Sec(name=".note", type=7, content=bytes(8))
    symbol = Sym(name="n", value=4, section=".note", binding=0)
    data = extension(word("n"), note, symbols=[symbol])
    system, loaded = load(data)
    assert region(system, loaded, "text").hex() == "04000000"
    _, loaded = load(data, target(version=Version(4, 5)))
    assert (loaded.result, logged(loaded)) == (
        -8,
        [
            "E: cannot apply relocation: symbol section 2 is not loaded",
            "E: Could not find symbol n!",
            LINK,
        ],
    )


def test_relocations_of_what_is_not_loaded_are_ignored_or_refused() -> None:
    """Debug information is; a section that has an address isn't."""
    rel = [Rel(offset=0, type=ABS32, symbol="f")]
    debug = Sec(name=".debug", flags=0, content=bytes(4), relocations=rel)
    assert load(extension(debug))[1].result == 0
    unwind = Sec(name=".ARM.exidx", type=0x70000001, content=bytes(8), relocations=rel)
    _, loaded = load(extension(unwind))
    assert (loaded.result, logged(loaded)) == (
        -8,
        ["E: Section 2 not loaded in any memory region", LINK],
    )


def test_explicit_addends_are_refused_on_arm() -> None:
    """-ENOTSUP."""
    _, loaded = load(extension(code(relocations=[Rel(offset=0, type=ABS32, symbol="f", addend=0)])))
    assert (loaded.result, logged(loaded)) == (
        -134,
        ["E: Found unsupported SHT_RELA section 2", "E: Failed to link, ret -134"],
    )


def test_entries_of_an_odd_size_are_refused() -> None:
    """And a size that is no multiple."""
    data = extension(word("f"))
    number = section_number(data, ".rel.text")
    _, loaded = load(patched(data, section_field(data, number, "sh_entsize"), 12))
    assert logged(loaded) == ["E: Invalid entry size 12 for SHT_REL section 2", LINK]
    _, loaded = load(patched(data, section_field(data, number, "sh_size"), 7))
    line = "E: Sanity checks failed for section 2 (info 1, size 7, entsize 8)"
    assert logged(loaded) == [line, LINK]


def test_a_target_section_that_is_not_there_is_a_danger_or_an_error() -> None:
    """Before 4.5 the map of sections is read behind its end."""
    data = extension(word("f"))
    number = section_number(data, ".rel.text")
    data = patched(data, section_field(data, number, "sh_info"), 44)
    with pytest.raises(Danger) as danger:
        load(data)
    expected = (
        "relocation section 2 relocates section 44, there are 6: the loader would read behind its "
        "section map"
    )
    assert (danger.value.code, danger.value.message) == ("L021", expected)
    _, loaded = load(data, target(version=Version(4, 5)))
    assert logged(loaded) == [
        "E: Relocation section 2 has invalid target section index 44",
        "E: Failed to map ELF sections, ret -8",
    ]


def test_a_place_outside_of_its_section_is_a_danger_or_an_error() -> None:
    """Newer releases look at the first byte."""
    for offset, release, code_ in ((4, (4, 3), "L022"), (1, (4, 5), "L022")):
        with pytest.raises(Danger) as danger:
            load(extension(word("f", offset=offset)), target(version=Version(*release)))
        assert danger.value.code == code_
    _, loaded = load(extension(word("f", offset=4)), target(version=Version(4, 5)))
    line = "E: relocation r_offset 0x4 out of section 1 (size 0x4)"
    assert (loaded.result, logged(loaded)) == (-8, [line, LINK])


def test_a_symbol_behind_the_table_is_a_danger() -> None:
    """In every release."""
    for release in ((3, 7), (4, 3), (4, 6)):
        with pytest.raises(Danger) as danger:
            load(extension(word(99)), target(version=Version(*release)))
        assert danger.value.code == "L021"
        expected = (
            "a relocation of place 0x0 names symbol 99, there are 2: the loader would take what "
            "lies behind the table for one"
        )
        assert danger.value.message == expected


def test_newer_releases_report_every_relocation_that_fails() -> None:
    """The first decides the result."""
    rels = [Rel(offset=0, type=ABS32, symbol="a"), Rel(offset=4, type=99, symbol="f")]
    data = extension(code(bytes(8), relocations=rels), symbols=[Sym(name="a")])
    first = [
        "E: Undefined symbol with no entry in symbol table a, offset 0, link section 3",
        "E: Could not find symbol a!",
    ]
    _, loaded = load(data)
    assert logged(loaded) == [*first, "E: Failed to link, ret -61"]
    _, loaded = load(data, target(version=Version(4, 5)))
    assert logged(loaded) == [*first, "E: unknown relocation: 99", "E: Failed to link, ret -61"]


def test_a_relocation_without_a_symbol_stands_for_zero() -> None:
    """R_ARM_V4BX: `bx r3` becomes `mov pc, r3`, on every processor."""
    data = extension(
        code(bytes.fromhex("13ff2fe1"), relocations=[Rel(offset=0, type=40)]),
    )
    system, loaded = load(data)
    assert region(system, loaded, "text").hex() == "03f0a0e1"


def test_a_file_that_makes_work_over_and_over_is_refused() -> None:
    """L025: every section header names the same relocations."""
    rel = Rel(offset=0, type=0, symbol="f")
    data = extension(code(bytes(4), relocations=[rel] * 1000))
    number = section_number(data, ".rel.text")
    at, _ = section_field(data, number, "sh_name")
    row = data[at : at + 40]
    start, _ = section_field(data, 0, "sh_name")
    count = (len(data) - start) // 40
    data = data[:start] + data[start:] + row * 100
    data = patched(data, (48, "<H"), count + 100)
    with pytest.raises(Danger) as danger:
        load(data)
    expected = "relocation sections of the file overlap, over and over"
    assert (danger.value.code, danger.value.message) == ("L025", expected)


def provider(*names: str) -> bytes:
    """A file that exports these, all at its start."""
    text = b"".join(name.encode() + b"\0" for name in names)
    starts = {name: text.index(name.encode() + b"\0") for name in names}
    rels = []
    for row, name in enumerate(names):
        rels += [
            Rel(offset=8 * row, type=ABS32, symbol=f"name_{name}"),
            Rel(offset=8 * row + 4, type=ABS32, symbol=name),
        ]
    return extension(
        code(),
        Sec(name=".rodata", content=text, align=1),
        Sec(name=".exported_sym", content=bytes(8 * len(names)), relocations=rels),
        symbols=[
            *(Sym(name=name, type=OBJECT, section=".text") for name in names),
            *(
                Sym(name=f"name_{name}", binding=0, value=start, section=".rodata")
                for name, start in starts.items()
            ),
        ],
    )


def test_only_eight_providers_are_counted() -> None:
    """The ninth may be unloaded under its consumer."""
    system = System(target())
    for number in range(9):
        load(
            provider(f"p{number}"), system, name=f"prov{number}", buffer=0x21000000 + number * 4096
        )
    rels = [Rel(offset=4 * number, type=ABS32, symbol=f"p{number}") for number in range(9)]
    data = extension(
        code(bytes(36), relocations=rels), symbols=[Sym(name=f"p{number}") for number in range(9)]
    )
    _, loaded = load(data, system, name="cons", buffer=0x22000000)
    assert loaded.ext is not None
    assert [each.name.decode() for each in loaded.ext.dependency] == [
        f"prov{number}" for number in range(8)
    ]
    counts = [each.use_count for each in system.extensions()]
    assert counts == [2] * 8 + [1, 1]


def test_of_two_providers_the_first_that_was_loaded_counts() -> None:
    """And the base image goes before both."""
    system = System(target(symbols={b"base": 0x77}))
    for name, buffer in (("one", 0x21000000), ("two", 0x21001000)):
        load(provider("same", "base"), system, name=name, buffer=buffer)
    rels = [Rel(offset=0, type=ABS32, symbol="same"), Rel(offset=4, type=ABS32, symbol="base")]
    data = extension(code(bytes(8), relocations=rels), symbols=[Sym(name="same"), Sym(name="base")])
    _, loaded = load(data, system, name="cons", buffer=0x22000000)
    assert loaded.ext is not None
    assert [each.name for each in loaded.ext.dependency] == [b"one"]
    assert region(system, loaded, "text")[4:].hex() == "77000000"


def test_an_undefined_function_makes_the_table_larger_than_it_gets() -> None:
    """Every global function counts, only defined ones are copied."""
    undefined = Sym(name="u", type=FUNC)
    system, loaded = load(extension(symbols=[undefined]))
    sizes = [each.size for each in loaded.account if each.what == "symbol table"]
    assert sizes == [16]
    assert system.heap.live


def test_a_row_without_a_name_is_a_danger_where_tables_are_sorted() -> None:
    """`strcmp` of a null pointer, as soon as there is a second row to compare it with."""
    alone = extension(symbols=[Sym(name="f", type=FUNC)])
    assert load(alone, target(version=NEWEST))[1].result == 0
    with pytest.raises(Danger) as danger:
        load(extension(symbols=[Sym(name="u", type=FUNC)]), target(version=NEWEST))
    expected = "the name of a symbol would be at 0x0, which is no address of the extension"
    assert (danger.value.code, danger.value.message) == ("L024", expected)


def test_the_processor_of_a_target_without_relocations_takes_none() -> None:
    """-ENOTSUP, and nothing is said."""
    from west_llext.loader.target import Machine

    _, loaded = load(extension(word("f")), target(machine=Machine.OTHER))
    assert (loaded.result, logged(loaded)) == (-134, ["E: Failed to link, ret -134"])


def test_sections_of_other_types_are_not_relocation_sections() -> None:
    """Only SHT_REL and SHT_RELA are."""
    assert (PROGBITS, RELA) == (1, 4)
    data = extension(Sec(name=".rel.fake", flags=0, content=b"\xff" * 16))
    assert load(data)[1].result == 0
