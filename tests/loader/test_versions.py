# SPDX-License-Identifier: Apache-2.0
"""What releases do differently: the table, and the two that are different altogether."""

from __future__ import annotations

from dataclasses import fields

import pytest
from support.elfbuild import ET_EXEC, FUNC, NOBITS, SECTION, SHF_ALLOC, SHF_WRITE, Rel, Sec, Sym
from support.loads import CODE, NOTHING, code, extension, load, logged, region, target

from west_llext.loader.danger import Danger
from west_llext.loader.storage import Storage
from west_llext.loader.system import System
from west_llext.loader.target import Protection
from west_llext.loader.versions import NEWEST, SINCE, Rules, Version, rules, version

FIRST, LTS = target(version=Version(3, 5)), target(version=Version(3, 7))
WRITABLE = SHF_ALLOC | SHF_WRITE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4.3", Version(4, 3)),
        ("v4.3.0", Version(4, 3)),
        ("4.3.0-rc1", Version(4, 3)),
        ("4.3.99", Version(4, 4)),
        ("main", NEWEST),
        ("9.0", Version(9, 0)),
        ("4", None),
        ("four", None),
        ("4.3.2.1", None),
    ],
)
def test_a_version_is_read_as_people_write_it(text: str, expected: Version | None) -> None:
    """Patch level 99 is on the way to the next."""
    assert version(text) == expected


def test_the_table_has_every_rule() -> None:
    """And only those."""
    assert [*SINCE] == [each.name for each in fields(Rules)]


def test_an_unknown_newer_release_has_the_newest_rules() -> None:
    """Until somebody looks."""
    assert rules(Version(9, 0)) == rules(NEWEST)


def test_releases_between_others_have_the_rules_of_the_nearest() -> None:
    """Nobody has looked at them."""
    assert rules(Version(3, 6)) == rules(Version(3, 5))
    assert rules(Version(4, 0)) == rules(Version(4, 1))


def test_the_first_release_calls_errors_by_other_names() -> None:
    """-EINVAL for what is no ELF file; the text is spelled differently."""
    for on in (FIRST, LTS):
        _, loaded = load(extension(file_type=ET_EXEC), on)
        assert (loaded.result, logged(loaded)) == (-22, ["E: Unsupported elf file type 2"])
        _, loaded = load(b"\x7fELX" + bytes(60), on)
        assert loaded.result == -22
        assert logged(loaded)[0] == "E: Invalid ELF, magic does not match"


def test_the_first_release_knows_four_sections_by_name() -> None:
    """Others aren't there; global functions are exported, under 31 bytes of their names."""
    data = extension(
        Sec(name=".text", flags=CODE, content=NOTHING * 2),
        Sec(name=".data", flags=WRITABLE, content=b"\x01\0\0\0"),
        Sec(name=".mine", flags=WRITABLE, content=b"\x02\0\0\0"),
        symbols=[
            Sym(name="x" * 40, value=5, type=FUNC, section=".text"),
            Sym(name="o", type=1, section=".data"),
        ],
    )
    system, loaded = load(data, FIRST)
    assert loaded.ext is not None
    sizes = dict(zip(system.target.mem.names, loaded.ext.mem_size, strict=True))
    assert {name: size for name, size in sizes.items() if size} == {"text": 8, "data": 4}
    found = [
        (system.memory.string(each.name, "a name"), each.addr - loaded.ext.mem[0])
        for each in loaded.ext.exp_tab
    ]
    assert found == [(b"f", 0), (b"x" * 31, 5)]
    system.unload(loaded.ext)
    assert system.heap.live == 0


def test_the_first_release_applies_one_relocation() -> None:
    """ABS32, against undefined symbols and sections; others are passed over."""
    rels = [
        Rel(offset=0, type=2, symbol="printk"),
        Rel(offset=4, type=2, symbol=1),
        Rel(offset=8, type=2, symbol="f"),
        Rel(offset=12, type=10, symbol="printk"),
    ]
    data = extension(
        code(bytes(4) + b"\x08\0\0\0" + bytes(8), relocations=rels),
        symbols=[
            Sym(name="", type=SECTION, binding=0, section=".text"),
            Sym(name="printk"),
        ],
    )
    on = target(version=Version(3, 5), symbols={b"printk": 0x4511})
    system, loaded = load(data, on, places={"text": 0x20002000})
    assert region(system, loaded, "text").hex() == "1145000008200020" + "00" * 8


def test_the_first_release_needs_every_symbol() -> None:
    """-ENODATA; without the later line that names it again."""
    rel = Rel(offset=0, type=2, symbol="lost")
    data = extension(code(bytes(4), relocations=[rel]), symbols=[Sym(name="lost")])
    lost = "Undefined symbol with no entry in symbol table lost, offset 0, link section 3"
    for on in (FIRST, LTS):
        _, loaded = load(data, on)
        assert (loaded.result, logged(loaded)) == (
            -61,
            [
                f"E: {lost}",
                "E: Failed to link, ret -61",
            ],
        )


def test_early_releases_apply_strange_relocations_to_the_wrong_region() -> None:
    """What they don't know by name goes where the last one went: a danger."""
    rels = [Rel(offset=0, type=2, symbol="f")]
    data = extension(
        code(bytes(4), relocations=rels),
        Sec(name=".debug_info", flags=0, content=bytes(4), relocations=rels),
    )
    for on in (FIRST, LTS):
        with pytest.raises(Danger) as danger:
            load(data, on)
        assert (danger.value.code, danger.value.message) == (
            "L022",
            (
                "the loader doesn't know '.rel.debug_info', and would apply its relocations to "
                "region text"
            ),
        )


def test_early_releases_want_whole_headers() -> None:
    """The rest would be taken from the stack."""
    for on in (FIRST, LTS):
        with pytest.raises(Danger) as danger:
            load(b"\x7fELF", on)
        assert danger.value.message == (
            "the file has 4 bytes, its header 52: the rest would be on the stack"
        )


def test_the_first_release_loads_one_name_twice() -> None:
    """It doesn't look."""
    system = System(FIRST)
    load(extension(), system)
    assert load(extension(), system)[1].result == 0
    assert len(list(system.extensions())) == 2


def test_3_7_counts_places_from_the_start_of_a_region() -> None:
    """A symbol in the second section of a region is taken for one in the first."""
    data = extension(
        code(bytes(4), relocations=[Rel(offset=0, type=2, symbol="g")]),
        Sec(name=".text.g", flags=CODE, content=NOTHING),
        symbols=[Sym(name="g", value=1, type=FUNC, section=".text.g")],
    )
    for release, expected in (((3, 7), "01200020"), ((4, 1), "05200020")):
        on = target(version=Version(*release))
        system, loaded = load(data, on, places={"text": 0x20002000})
        assert region(system, loaded, "text")[:4].hex() == expected


def test_3_7_allocates_whole_pages() -> None:
    """32 bytes, or a power of two with an Arm MPU; tables too."""
    data = extension(code(bytes(40)))
    for protection, size in ((Protection.NONE, 64), (Protection.PAGE, 64)):
        on = target(version=Version(3, 7), protection=protection)
        _, loaded = load(data, on)
        found = {each.what: (each.size, each.align) for each in loaded.account}
        assert found["text"] == (size, 32 if protection is Protection.NONE else 64)
        assert found["strtab"] == (32, 32)


@pytest.mark.parametrize(
    ("sections", "lines"),
    [
        (
            (
                Sec(name=".a", type=NOBITS, flags=WRITABLE, size=4),
                Sec(name=".b", type=NOBITS, flags=WRITABLE, size=4),
            ),
            "Multiple SHT_NOBITS sections are not supported",
        ),
        (
            (Sec(name=".text", flags=CODE, content=NOTHING), Sec(name=".t", flags=7, size=4)),
            "Unsupported section flags for .t (mem 0)",
        ),
        (
            (
                Sec(name=".text", flags=CODE, content=NOTHING),
                Sec(name=".a", size=4),
                Sec(name=".text.b", flags=CODE, size=4),
            ),
            "ELF file range 0 (0x34 +12) overlaps with 2 (0x38 +4)",
        ),
    ],
    ids=["bss", "flags", "interleaved"],
)
def test_3_7_refuses_in_its_own_words(sections: tuple[Sec, ...], lines: str) -> None:
    """-ENOEXEC for all of them."""
    _, loaded = load(extension(*sections), LTS)
    assert (loaded.result, logged(loaded)) == (
        -8,
        [f"E: {lines}", "E: Failed to map ELF sections, ret -8"],
    )


def test_3_7_says_which_entry_has_a_strange_section() -> None:
    """With the number of the section and of the entry."""
    rel = Rel(offset=0, type=2, symbol="c")
    data = extension(code(bytes(4), relocations=[rel]), symbols=[Sym(name="c", section=0xFFF2)])
    _, loaded = load(data, LTS)
    assert logged(loaded) == [
        (
            "E: rela section 2, entry 0: cannot apply relocation: target symbol has unexpected "
            "section index 65522 (0xFFF2)"
        ),
        "E: Failed to link, ret -8",
    ]


def test_3_7_uses_writable_files_where_they_lie() -> None:
    """Whatever their alignment is."""
    _, loaded = load(extension(), LTS, storage=Storage.WRITABLE, buffer=0x21000001)
    assert loaded.ext is not None
    assert loaded.ext.mem[0] == 0x21000035
