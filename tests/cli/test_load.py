# SPDX-License-Identifier: Apache-2.0
"""`load` on the command line: what the loader would do, in words and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.commands import command
from support.elfbuild import FUNC, SHF_ALLOC, Rel, Sec, Sym
from support.loads import NOTHING, code, extension
from support.project import project

NOTE = (
    "command line: note[L031]: the target's Zephyr version isn't known, 4.3 is taken\n"
    "hint: name it with --zephyr-version\n"
    "command line: note[L031]: the size of the loader's heap isn't known, 131072 bytes are taken\n"
    "hint: name it with --heap-size, or a build directory with -d\n"
)
TARGET = ("--zephyr-version", "4.3", "--heap-size", "64K", "--heap-address", "0x20001000")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A provider of `give`, and a consumer of it.

    Addresses in this file are counted by hand: the heap's own part has 80 bytes, each allocation
    4 of overhead, rounded up to 8 (lib/heap/heap.c); `struct llext` has 188, the map of 8 sections
    64, names of sections 73, of symbols 13.
    """
    table = Sec(
        name=".exported_sym",
        content=bytes(8),
        relocations=[Rel(offset=0, type=2, symbol="text"), Rel(offset=4, type=2, symbol="give")],
    )
    provider = extension(
        code(NOTHING * 2),
        Sec(name=".rodata", content=b"give\0", align=1),
        table,
        symbols=[
            Sym(name="give", value=5, type=FUNC, section=".text"),
            Sym(name="text", binding=0, section=".rodata"),
        ],
    )
    consumer = extension(
        code(bytes(4), relocations=[Rel(offset=0, type=2, symbol="give")]),
        symbols=[Sym(name="give")],
    )
    (tmp_path / "prov.llext").write_bytes(provider)
    (tmp_path / "cons.llext").write_bytes(consumer)
    return tmp_path


def test_a_load_as_json_has_exactly_these_keys(folder: Path) -> None:
    """The form that others test against."""
    ran = command("load", "prov.llext", "--json", *TARGET, folder=folder)
    assert (ran.status, ran.err) == (0, "")
    assert json.loads(ran.out) == {
        "schema": 1,
        "loads": [
            {
                "name": "prov",
                "result": 0,
                "log": [],
                "use_count": 1,
                "alloc_size": 187,
                "regions": [
                    {
                        "name": "text",
                        "address": 0x200011C4,
                        "size": 8,
                        "on_heap": True,
                        "data": "00bf704700bf7047",
                    },
                    {
                        "name": "rodata",
                        "address": 0x200011D4,
                        "size": 5,
                        "on_heap": True,
                        "data": b"give\0".hex(),
                    },
                    {
                        "name": "export",
                        "address": 0x200011E4,
                        "size": 8,
                        "on_heap": True,
                        "data": "d4110020c9110020",
                    },
                    *_tables(ran.out),
                ],
                "exports": [{"name": "give", "address": 0x200011C9}],
                "dependencies": [],
            }
        ],
    }


def _tables(out: str) -> list[object]:
    # what is in the tables is the file's business
    regions = json.loads(out)["loads"][0]["regions"]
    assert [each["name"] for each in regions[3:]] == ["symtab", "strtab", "shstrtab"]
    return list(regions[3:])


def test_loads_and_unloads_are_shown_in_their_order(folder: Path) -> None:
    """A provider that is in use stays."""
    words = ("load", "prov.llext", "cons.llext", "unload:prov", "unload:cons", "--json", *TARGET)
    found = json.loads(command(*words, folder=folder).out)
    assert [each["dependencies"] for each in found["loads"]] == [[], ["prov"]]
    assert found.keys() == {"schema", "loads"}
    lines = command(*[each for each in words if each != "--json"], folder=folder).out.splitlines()
    assert [each for each in lines if "unload" in each] == [
        "prov: llext_unload() returns 1",
        "cons: llext_unload() returns 0",
    ]


def test_a_load_in_words(folder: Path) -> None:
    """Verdict, regions, exports, memory, cost, and what would save memory.

    5400 + 4.8 · 171 + 4 · 16 + 380 · 2 + 220 · 8 + 363 · 4 + 355 · 10 instructions; prelocated
    5400 + 4 · 8 + 220 · 7 + 363 · 2 + 355 · 4, and of the heap 188 + 12.
    """
    ran = command("load", "prov.llext", *TARGET, folder=folder)
    assert ran == (
        0,
        (
            "prov: llext_load() returns 0\n"
            "  used     1 time\n"
            "  region   text     8 bytes at 0x200011c4, heap\n"
            "  region   rodata   5 bytes at 0x200011d4, heap\n"
            "  region   export   8 bytes at 0x200011e4, heap\n"
            "  region   symtab   64 bytes at 0x200011f4, heap\n"
            "  region   strtab   13 bytes at 0x200011ac, heap\n"
            "  region   shstrtab 73 bytes at 0x2000115c, heap\n"
            "  export   give at 0x200011c9\n"
            "  heap     400 bytes kept, 488 at most, 187 by the loader's own count\n"
            "  cost     171 bytes copied, 16 bytes cleared, 0 names compared, "
            "2 relocations applied: about 13800 instructions\n"
            "  mode     prelocated would save about 4700 instructions and 200 bytes of the heap\n"
            "  save     150 bytes: keep the file in memory (persistent storage): its tables aren't "
            "copied\n"
            "  save     21 bytes: apply relocations on the host (mode prelocated): code and "
            "constants stay in the file\n"
        ),
        "",
    )


def test_a_load_that_fails_is_a_finding_with_the_loaders_own_lines(folder: Path) -> None:
    """L020, and what to do about it."""
    ran = command("load", "cons.llext", *TARGET, folder=folder)
    lost = "Undefined symbol with no entry in symbol table give, offset 0, link section 3"
    note = "cons.llext: note: the loader logs: "
    assert ran == (
        1,
        (
            "cons: llext_load() returns -61 (ENODATA)\n"
            f"  log      E: {lost}\n"
            "  log      E: Could not find symbol give!\n"
            "  log      E: Failed to link, ret -61\n"
        ),
        (
            f"cons.llext: error[L020]: llext_load() of 'cons' returns -61 (ENODATA): {lost}\n"
            f"{note}{lost}\n{note}Could not find symbol give!\n{note}Failed to link, ret -61\n"
            "hint: export the symbol from the base image, or load the extension that exports it "
            "first\n"
            "1 error\n"
        ),
    )


def test_what_the_target_must_not_be_given_is_refused(folder: Path) -> None:
    """Nothing behind it is tried."""
    data = extension(code(bytes(4), relocations=[Rel(offset=2, type=2, symbol="f")]))
    (folder / "odd.llext").write_bytes(data)
    message = (
        "'odd' must not be given to the target: a relocation of type 2 at offset 0x2 changes "
        "4 bytes of section 1, which has 4"
    )
    ran = command("load", "odd.llext", "prov.llext", "--json", *TARGET, folder=folder)
    assert (ran.status, ran.err) == (1, f"odd.llext: error[L022]: {message}\n1 error\n")
    assert json.loads(ran.out) == {"schema": 1, "loads": []}


def test_base_symbols_come_from_json(folder: Path) -> None:
    """A plain object, or one that says more."""
    (folder / "base.json").write_text('{"give": "0x1235"}')
    words = ("load", "cons.llext", "--base-symbols", "base.json", "--json", *TARGET)
    found = json.loads(command(*words, folder=folder).out)["loads"][0]
    assert found["regions"][0]["data"] == "35120000"
    more = {"symbols": {"give": 5}, "heap": {"addr": "0x30000000", "size": 4096}}
    (folder / "base.json").write_text(json.dumps({**more, "struct_llext_size": 200}))
    words = ("load", "cons.llext", "--base-symbols", "base.json", "--zephyr-version", "4.3")
    ran = command(*words, folder=folder)
    assert ran.err == ""
    assert "  region   text     4 bytes at 0x30000" in ran.out


def test_what_had_to_be_assumed_is_noted(folder: Path) -> None:
    """L031; on standard error, also beside JSON."""
    ran = command("load", "prov.llext", folder=folder)
    assert (ran.status, ran.err) == (0, f"{NOTE}2 notes\n")


@pytest.mark.parametrize(
    ("release", "note"),
    [
        ("4.0", "Zephyr 4.0 isn't modelled by itself, the rules of 4.1 are taken"),
        ("3.6.1", "Zephyr 3.6 isn't modelled by itself, the rules of 3.5 are taken"),
        ("7.1.0", "Zephyr 7.1 isn't known yet, the rules of 4.6 are taken"),
    ],
)
def test_a_release_that_gets_the_rules_of_another_is_noted(
    release: str, note: str, folder: Path
) -> None:
    """L031."""
    words = ("load", "cons.llext", "--heap-size", "64K", "--zephyr-version", release)
    ran = command(*words, folder=folder)
    assert ran.err.startswith(f"command line: note[L031]: {note}\n")


def test_a_load_that_succeeds_with_errors_is_a_warning(folder: Path) -> None:
    """L020: before 4.5 Xtensa's loader links nothing but writable files, and says 0."""
    text = code(bytes(8), relocations=[Rel(offset=4, type=1, symbol="f", addend=0)])
    (folder / "x.llext").write_bytes(extension(text, machine=94))
    words = ("load", "x.llext", "--zephyr-version", "4.3", "--heap-size", "64K")
    ran = command(*words, folder=folder)
    expected = (
        "x.llext: warning[L020]: llext_load() of 'x' returns 0, but logs: PLT: cannot link "
        "read-only ELF file\n"
        "x.llext: note: the loader logs: PLT: cannot link read-only ELF file\n"
        "hint: load the file from writable storage: before Zephyr 4.5 no other is linked on Xtensa"
        "\n1 warning\n"
    )
    assert (ran.status, ran.err) == (0, expected)
    assert command(*words, "--storage", "writable", folder=folder).err == ""


def test_names_out_of_a_file_stay_on_their_line(folder: Path) -> None:
    """Of what is exported, and of what is missing."""
    for name in ("cons", "prov"):
        path = folder / f"{name}.llext"
        path.write_bytes(path.read_bytes().replace(b"give", b"g\n\x1be"))
    ran = command("load", "prov.llext", *TARGET, folder=folder)
    assert "  export   g\\n\\x1be at 0x" in ran.out
    ran = command("load", "cons.llext", *TARGET, folder=folder)
    assert "Undefined symbol with no entry in symbol table g\\x0a\\x1be, offset" in ran.err
    found = json.loads(command("load", "prov.llext", *TARGET, "--json", folder=folder).out)
    assert found["loads"][0]["exports"][0]["name"] == "g\n\x1be"


def test_regions_and_buffers_go_where_they_are_told(folder: Path) -> None:
    """By the heap's address, or by the file's."""
    words = ("load", "prov.llext", "--storage", "persistent", "--buffer-address", "0x30000000")
    ran = command(*words, "--region-address", "export=0x1000", "--json", *TARGET, folder=folder)
    regions = {each["name"]: each for each in json.loads(ran.out)["loads"][0]["regions"]}
    assert regions["export"]["address"] == 0x1000
    assert (regions["text"]["address"], regions["text"]["on_heap"]) == (0x30000034, False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--region-address", "text"),
            (
                "'text' is no place of a region, expected REGION=ADDRESS\n"
                "hint: for instance: --region-address text=0x20001000"
            ),
        ),
        (
            ("--region-address", "prv:text=0x20001000"),
            "a place is given for 'text' of 'prv', which isn't loaded\nhint: did you mean 'prov'?",
        ),
        (
            ("--region-address", "x:text=0x20001000"),
            "a place is given for 'text' of 'x', which isn't loaded\nhint: loaded are: prov",
        ),
        (
            ("--zephyr-version", "3.4"),
            "'3.4' is no Zephyr version with a loader, expected 3.5 to 4.6 or 'main'",
        ),
        (("unload:other",), "'other' isn't loaded when it is to be unloaded"),
        (("--heap-size", "16"), "a heap has 16 bytes, expected 1024 to 33554432"),
        (("--page", "48"), "a page has 48 bytes, expected a power of two up to 0x100000"),
        (
            ("--buffer-address", "0xfffffff0"),
            "a file of 568 bytes at 0xfffffff0 isn't in the target's memory",
        ),
        (
            ("--base", "x", "--base-symbols", "y"),
            "--base-symbols goes in place of a base image, not beside one",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    words: tuple[str, ...], message: str, folder: Path
) -> None:
    """L030, status 2."""
    ran = command("load", *TARGET, "prov.llext", *words, folder=folder)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"command line: error[L030]: {message}\n1 error\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "'base.json' is no JSON: Expecting property name enclosed in double quotes"),
        ("[]", "'base.json' holds no object of names and addresses"),
        ('{"printk": "x"}', "'printk' in 'base.json' is 'x', expected an address"),
        ('{"printk": true}', "'printk' in 'base.json' is True, expected an address"),
        ('{"symbols": {}, "heap": {}}', "'heap.addr' in 'base.json' is None, expected an address"),
    ],
)
def test_base_symbols_that_are_none_are_refused(text: str, message: str, folder: Path) -> None:
    """L032."""
    (folder / "base.json").write_text(text)
    ran = command("load", "prov.llext", "--base-symbols", "base.json", folder=folder)
    assert ran == (1, "", f"base.json: error[L032]: {message}\n1 error\n")


def test_the_processor_must_be_known(folder: Path) -> None:
    """A file that says nothing, and nobody else either."""
    (folder / "empty.llext").write_bytes(b"")
    ran = command("load", "empty.llext", folder=folder)
    assert ran.status == 2
    assert ran.err == (
        "command line: error[L030]: the target's processor isn't known: neither a base image nor "
        "the file says it\n"
        "hint: name it with --arch: arm, arm64, aarch64, riscv32, riscv64, x86, x86_64, xtensa, "
        "arc\n1 error\n"
    )


def test_section_info_is_accounted_to_the_caller(folder: Path) -> None:
    """It stays until the application frees it."""
    words = ("load", "prov.llext", "--keep-section-info", "-v", *TARGET)
    out = command(*words, folder=folder).out
    assert (
        "prov: allocates 64 bytes for section map, 8 of overhead, until the end of caller\n" in out
    )


def test_sections_that_are_not_allocated_cost_nothing(folder: Path) -> None:
    """Debug information stays in the file; of it there is only a name, 9 bytes longer."""
    debug = Sec(name=".debug_info", flags=0, size=4096)
    (folder / "debug.llext").write_bytes(extension(debug))
    (folder / "plain.llext").write_bytes(extension(Sec(name=".x", flags=SHF_ALLOC, size=0)))
    sizes = [
        json.loads(command("load", f"{name}.llext", "--json", *TARGET, folder=folder).out)
        for name in ("debug", "plain")
    ]
    assert [each["loads"][0]["alloc_size"] for each in sizes] == [92, 83]


@pytest.mark.parametrize("mode", ["relocatable", "bound", "prelocated"])
def test_a_blob_is_told_apart_from_how_it_is_loaded(mode: str, tmp_path: Path) -> None:
    """L026; what is prelocated runs at its place only. Relocatable blobs say nothing."""
    project(tmp_path, mode=mode)
    assert command("build", "-q", folder=tmp_path).status == 0
    blob = "build/llext/demo.llext"
    words = ("load", blob, "--base", "base.elf", "--storage", "writable", "--zephyr-version", "4.3")
    plain = command(*words, folder=tmp_path).err
    fixed = command(*words, "--pre-located", "--no-relocate-local", folder=tmp_path).err
    start = f"{blob}: warning[L026]: 'demo' is {mode}, and is loaded with"
    without = f"{start}out pre_located\nhint: pass --pre-located and --no-relocate-local\n"
    assert (without in plain) is (mode == "prelocated")
    assert (f"{start} pre_located\nhint: leave --pre-located out\n" in fixed) is (mode == "bound")
    assert (plain + fixed).count("L026") == (mode != "relocatable")
