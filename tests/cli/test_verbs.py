# SPDX-License-Identifier: Apache-2.0
"""What each verb prints, as a whole, and that its JSON is what the schema says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from support.commands import ROOT, command, process
from support.elfbuild import FUNC, NOBITS, SHF_ALLOC, SHF_WRITE, Sec, Sym, elf
from support.project import SHF_EXECINSTR, SYMBOLS, base_elf, project

from west_llext.manifest.schema import text as schema_text

VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema_text("llext-report.schema.json")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a prelocated extension, built."""
    project(tmp_path, mode="prelocated")
    assert command("build", "-q", folder=tmp_path) == (0, "", "")
    return tmp_path


def test_build_ends_with_a_summary(tmp_path: Path) -> None:
    """Sizes, memories, and what was written; the second time there is nothing to do."""
    project(tmp_path, mode="prelocated")
    ran = command("build", folder=tmp_path)
    blob = (tmp_path / "build/llext/demo.llext").stat().st_size
    expected = (
        "extension  mode        text  rodata  data  bss  blob\n"
        f"demo       prelocated     8      17     4    0   {blob}\n"
        "\n"
        "ext_ram 29 B of 64 KiB: demo 29 B\n"
        "\n"
        "1 extension: 9 files written, 0 unchanged\n"
    )
    assert ran == (0, expected, "")
    assert command("build", folder=tmp_path) == (0, "1 extension: nothing to do\n", "")


def test_a_build_counts_what_it_removes(tmp_path: Path) -> None:
    """Somebody may miss it: another manifest beside this one has the same output folder."""
    project(tmp_path, mode="relocatable")
    assert command("build", "-q", folder=tmp_path).status == 0
    text = (tmp_path / "llext.yml").read_text(encoding="utf-8")
    (tmp_path / "other.yml").write_text(text.replace("name: demo", "name: deed"), encoding="utf-8")
    ran = command("build", "-m", "other.yml", folder=tmp_path)
    assert ran.out.splitlines()[-1] == "1 extension: 7 files written, 0 unchanged, 3 removed"
    assert not (tmp_path / "build" / "llext" / "demo.llext").exists()


def test_a_manifest_without_extensions_has_no_table(tmp_path: Path) -> None:
    """Only the files of the base image's exports, and the report."""
    (tmp_path / "llext.yml").write_text("version: 1\n")
    expected = "0 extensions: 2 files written, 0 unchanged\n"
    assert command("build", folder=tmp_path) == (0, expected, "")


def test_build_tells_every_file_where_that_is_asked_for(tmp_path: Path) -> None:
    """`-v`."""
    project(tmp_path)
    lines = command("build", "-v", folder=tmp_path).out.split("\n")
    assert "wrote demo.llext" in lines
    assert "wrote llext-build.json" in lines


def test_what_the_manifest_lacks_is_said_of_the_manifest(tmp_path: Path) -> None:
    """There is no line to point to, but a file to edit."""
    (tmp_path / "llext.yml").write_text("version: 1\n")
    expected = (
        "llext.yml: error[B020]: nothing says which base image to describe\n"
        "hint: name its ELF file, or pass a build directory with '-d'\n"
        "1 error\n"
    )
    assert command("base", "export", folder=tmp_path) == (1, "", expected)


@pytest.mark.parametrize(
    "words",
    [
        ("build", "-e", "demi"),
        ("check", "-e", "demi"),
        ("exports", "-e", "demi"),
        ("run", "demi:f"),
    ],
    ids=lambda each: each[0],
)
def test_an_extension_that_the_manifest_does_not_have_is_named(
    words: tuple[str, ...], folder: Path
) -> None:
    """Wherever it is asked for, with the one that may be meant."""
    ran = command(*words, folder=folder)
    expected = (
        "llext.yml: error[O009]: there is no extension 'demi' in it\n"
        "hint: did you mean 'demo'?\n1 error\n"
    )
    assert (ran.status, ran.out + ran.err) == (2, expected)


def test_outputs_go_beside_the_manifest(tmp_path: Path) -> None:
    """One folder for one manifest, wherever the command is given."""
    project(tmp_path)
    inner = tmp_path / "src" / "deep"
    inner.mkdir(parents=True)
    assert command("build", folder=inner).status == 0
    assert (tmp_path / "build" / "llext" / "demo.llext").is_file()
    assert command("build", "-o", "out", folder=inner).status == 0
    assert (inner / "out" / "demo.llext").is_file()


def test_messages_spell_the_manifest_as_the_user_would(tmp_path: Path) -> None:
    """Relative to the current folder, found in one above it."""
    path = project(tmp_path)
    text = path.read_text(encoding="utf-8").replace("mode: bound", "mode: bond")
    path.write_text(text, encoding="utf-8")
    inner = tmp_path / "src"
    inner.mkdir()
    for words, name in (([], "../llext.yml"), (["-m", "../llext.yml"], "../llext.yml")):
        ran = command("check", *words, folder=inner)
        assert ran.out.startswith(f"{name}:13:11: error[M015]: "), ran.out


def test_check_says_when_all_is_well(folder: Path) -> None:
    """One line."""
    assert command("check", folder=folder) == (0, "1 extension: no findings\n", "")
    assert command("check", "-q", folder=folder) == (0, "", "")


def test_check_prints_findings_as_its_result(tmp_path: Path) -> None:
    """Standard output, so that they can be piped."""
    path = project(tmp_path)
    text = path.read_text(encoding="utf-8").replace("mode: bound", "mode: bond")
    path.write_text(text, encoding="utf-8")
    expected = (
        "llext.yml:13:11: error[M015]: 'mode' is 'bond', expected one of 'relocatable', 'bound', "
        "'prelocated'\nhint: write 'bound'\n1 error\n"
    )
    assert command("check", folder=tmp_path) == (1, expected, "")
    annotation = (
        "::error file=llext.yml,line=13,col=11,title=M015::'mode' is 'bond', expected one of "
        "'relocatable', 'bound', 'prelocated'%0Ahint: write 'bound'\n"
    )
    assert command("check", "--format", "github", folder=tmp_path) == (1, annotation, "")


def test_annotations_are_relative_to_the_repository(tmp_path: Path) -> None:
    """Wherever in it the command is given."""
    (tmp_path / ".git").mkdir()
    app = tmp_path / "apps" / "one"
    app.mkdir(parents=True)
    ran = command("check", "--format", "github", "-m", "../x.yml", folder=app)
    assert ran.out.startswith("::error file=apps/x.yml,")


def test_info_of_a_blob(folder: Path) -> None:
    """Mode, identity, regions, sections, exports, imports, relocations."""
    ran = command("info", "build/llext/demo.llext", folder=folder)
    blob = folder / "build/llext/demo.llext"
    out = re.sub(r"[0-9a-f]{64}", "DIGEST", ran.out)
    expected = f"""\
build/llext/demo.llext: prelocated blob, arm, 32 bits, little endian, {blob.stat().st_size} bytes
  identity     DIGEST
  regions      text 8, data 4, rodata 9, export 8, symtab 32, strtab 10, shstrtab 67
  section      .text                8 bytes, align 4, at 0x100000
  section      .data                4 bytes, align 4, at 0x10001c
  section      .rodata              9 bytes, align 1, at 0x100008
  section      .exported_sym        8 bytes, align 4, at 0x100014
  section      .dynsym             32 bytes, align 4
  section      .dynstr             10 bytes, align 1
  section      .shstrtab           67 bytes, align 1
  exports      1: demo_run (0x100001)
  imports      1: printk (0x1001)
  relocations  none left
"""
    assert (ran.status, out, ran.err) == (0, expected, "")


def test_info_of_a_base_image(folder: Path) -> None:
    """Symbols, exports, and where extensions can be loaded."""
    image = base_elf({**SYMBOLS, "llext_load": 0x1031})
    (folder / "base.elf").write_bytes(image)
    ran = command("info", "base.elf", folder=folder)
    out = re.sub(r"[0-9a-f]{64}", "DIGEST", ran.out)
    expected = f"""\
base.elf: base image, arm, 32 bits, little endian, {len(image)} bytes
  sha256       DIGEST
  symbols      5
  exports      no table
  loads into   [0x20000000, 0x20000010)
"""
    assert (ran.status, out, ran.err) == (0, expected, "")


def test_info_against_a_base_image(folder: Path) -> None:
    """Status 0 where it fits, 1 where it doesn't, and why."""
    blob = "build/llext/demo.llext"
    ran = command("info", blob, "--base", "base.elf", folder=folder)
    assert ran == (0, f"{blob} fits base.elf: 1 symbol compared\n", "")
    (folder / "base.elf").write_bytes(base_elf({"printk": 0x1031}))
    ran = command("info", blob, "--base", "base.elf", folder=folder)
    expected = (
        f"{blob}: error[I001]: 'printk' moved from 0x1001 to 0x1031 in 'base.elf'\n"
        "hint: build the extension again, against this base image\n"
        "1 error\n"
        f"{blob} doesn't fit base.elf\n"
    )
    assert ran == (1, expected, "")


def test_schema_is_the_file_that_editors_use(tmp_path: Path) -> None:
    """`west-llext schema > llext.schema.json`."""
    for name in ("manifest", "exports", "build", "report"):
        file = ROOT / "schemas" / f"llext-{name}.schema.json"
        ran = command("schema", name, folder=tmp_path)
        assert ran == (0, file.read_text(encoding="utf-8"), "")


def test_run_without_an_emulator_s_blob_says_what_to_do(tmp_path: Path) -> None:
    """L001, exit status 3."""
    project(tmp_path, mode="prelocated")
    ran = command("run", "demo:demo_run", folder=tmp_path)
    expected = (
        "build/llext/demo.llext: error[L001]: can't read 'build/llext/demo.llext': No such file\n"
        "hint: run 'west-llext build' first\n1 error\n"
    )
    assert ran == (3, "", expected)


@pytest.mark.parametrize(
    "words",
    [
        ["build"],
        ["check"],
        ["exports"],
        ["exports", "--trim"],
        ["exports", "--stdout"],
        ["info", "build/llext/demo.llext", "base.elf", "--base", "base.elf"],
        ["info", "demo.o"],
        ["init", "demo.o", "-m", "new.yml"],
        ["schema"],
        ["check", "-m", "missing.yml"],
        ["build", "-m", "missing.yml"],
        ["build", "-e", "nope"],
        ["info", "llext.yml"],
        ["run", "demo"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("level", [[], ["-q"], ["-v"]], ids=lambda each: each[0] if each else "")
def test_json_is_as_its_schema_says(words: list[str], level: list[str], folder: Path) -> None:
    """One shape at every verbosity (DESIGN 7)."""
    ran = command(*words, "--json", *level, folder=folder)
    document = json.loads(ran.out)
    VALIDATOR.validate(document)
    assert document["status"] == ran.status
    assert ran.err == ""


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
def test_the_same_command_prints_the_same_text(form: str, folder: Path) -> None:
    """Whatever the hash seed."""
    words = ("info", "build/llext/demo.llext", "base.elf", "llext.yml", "--format", form)
    first, second = (
        process(*words, folder=folder, environment={"PYTHONHASHSEED": seed}) for seed in "12"
    )
    assert first == second


@pytest.mark.parametrize("verb", ["build", "check"])
def test_a_region_larger_than_all_addresses_is_one_error(verb: str, tmp_path: Path) -> None:
    """L012, and no more than that: a section header couldn't hold the size."""
    project(tmp_path, mode="relocatable")
    sections = [
        Sec(name=name, type=NOBITS, flags=SHF_ALLOC | SHF_WRITE, size=0xC0000000)
        for name in (".bss.a", ".bss.b")
    ]
    run = Sym(name="demo_run", value=1, type=FUNC, section=".text")
    code = Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=bytes(4))
    (tmp_path / "demo.o").write_bytes(elf(sections=[code, *sections], symbols=[run]))
    ran = command(verb, folder=tmp_path)
    message = "demo.o: error[L012]: bss has 0x180000000 bytes, expected fewer than 0x100000000"
    assert ran.status == 1
    assert [line for line in (ran.out + ran.err).splitlines() if "error[" in line] == [message]


@pytest.mark.parametrize("verb", ["build", "check"])
@pytest.mark.parametrize("size", ["64K", "17"])
def test_a_memory_beyond_the_base_images_addresses_is_refused(
    verb: str, size: str, tmp_path: Path
) -> None:
    """M042: only with the base image it is known how wide addresses are."""
    project(tmp_path, mode="prelocated")
    manifest = tmp_path / "llext.yml"
    text = manifest.read_text(encoding="utf-8")
    text = text.replace("address: 0x00100000, size: 64K", f"address: 0xfffffff0, size: {size}")
    manifest.write_text(text, encoding="utf-8")
    ran = command(verb, folder=tmp_path)
    end = {"64K": 0x1_0000_FFF0, "17": 0x1_0000_0001}[size]
    expected = (
        f"llext.yml:9:14: error[M042]: memory 'ext_ram' [0xfffffff0, {end:#x}) ends behind the "
        "32-bit address space, expected 0x100000000 at most\n1 error\n"
    )
    assert (ran.status, ran.out + ran.err) == (1, expected)


def test_a_memory_may_end_where_addresses_end(tmp_path: Path) -> None:
    """The last byte is at 0xffffffff; an address behind it would be 0."""
    project(tmp_path, mode="prelocated")
    manifest = tmp_path / "llext.yml"
    text = manifest.read_text(encoding="utf-8")
    text = text.replace("address: 0x00100000, size: 64K", "address: 0xffffffc0, size: 64")
    manifest.write_text(text, encoding="utf-8")
    assert command("build", "-q", folder=tmp_path) == (0, "", "")
    ran = command("info", "build/llext/demo.llext", folder=tmp_path)
    assert "at 0xffffffc0\n" in ran.out
