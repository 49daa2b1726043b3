# SPDX-License-Identifier: Apache-2.0
"""`check`: what a build would say, with nothing written anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.audit import audited
from support.commands import command, settled
from support.project import base_elf
from support.sample import Sample
from support.workshop import Part, Workshop, listing

from west_llext.app.build import check
from west_llext.diagnostics import MissingError, UsageError

Samples = Callable[[str], Sample]
#: A change of a project that a build refuses.
Edit = Callable[[Workshop], None]


def project(folder: Path) -> Workshop:
    """One extension of each mode, and an import."""
    return Workshop(
        folder,
        [
            Part(name="a"),
            Part(name="b", calls=("a_run",), imports_from=("a",)),
            Part(name="c", mode="bound"),
            Part(name="d", mode="relocatable"),
        ],
    )


def without_symbols(made: Workshop) -> None:
    """Two extensions lack something."""
    made.parts[0] = replace(made.parts[0], calls=("prinkt",))
    made.parts[3] = replace(made.parts[3], calls=("c_run", "gone"))


def without_exports(made: Workshop) -> None:
    """An export isn't defined, and an import isn't used."""
    made.parts[0] = replace(made.parts[0], exports=("a_walk",))
    made.parts[2] = replace(made.parts[2], imports_from=("d",))


def too_large(made: Workshop) -> None:
    """A memory is full."""
    made.parts[1] = replace(made.parts[1], data=20_000)


def without_base(made: Workshop) -> None:
    """No image is named."""
    made.base = None


def with_odd_manifest(made: Workshop) -> None:
    """Errors in the text, each at its line."""
    made.parts[1] = replace(made.parts[1], extra=("mod: bound", "cflags: 3"))


def with_unsafe_export(made: Workshop) -> None:
    """A name that no C file can declare."""
    made.exports = [*made.exports, "while"]


def with_names_that_clash(made: Workshop) -> None:
    """Windows and macOS take `A.llext` for `a.llext`."""
    made.parts.append(Part(name="A"))


EDITS: list[Edit] = [
    without_symbols,
    without_exports,
    too_large,
    without_base,
    with_odd_manifest,
    with_unsafe_export,
    with_names_that_clash,
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_check_finds_what_a_build_would(edit: Edit, tmp_path: Path) -> None:
    """The same findings, in the same order and words."""
    made = project(tmp_path)
    edit(made)
    found = made.failure()
    assert found == [str(each) for each in made.check().findings]
    assert found != []


def test_check_of_a_sound_project_finds_what_its_build_warns_of(tmp_path: Path) -> None:
    """Warnings and notes, too."""
    made = project(tmp_path)
    made.parts[2] = replace(made.parts[2], imports_from=("d",))
    result = made.check()
    assert [each.code for each in result.findings] == ["S012"]
    assert result.findings == made.warnings()
    assert result.count == 4


def test_check_of_chosen_extensions_looks_at_those_and_their_providers(tmp_path: Path) -> None:
    """What is wrong elsewhere isn't asked for."""
    made = project(tmp_path)
    without_symbols(made)
    assert [each.code for each in made.check("c").findings] == []
    assert [each.code for each in made.check("b").findings] == ["S001"]
    assert made.check("b").count == 2


def test_check_writes_nothing(tmp_path: Path) -> None:
    """No file, no folder, no process; neither before a build nor after it."""
    made = project(tmp_path)
    made.write()
    for _ in range(2):
        before = listing(tmp_path)
        done = audited("check", folder=tmp_path)
        assert (done.status, done.out, done.deeds) == (0, "4 extensions: no findings\n", ())
        assert before == listing(tmp_path)
        made.build()


NOT_BUILT = (
    "llext.yml:31:11: note[T020]: the links of extension 'hello' weren't checked: not all that is "
    "checked was built since the last change\nhint: run 'west-llext build' first\n"
)


@pytest.mark.cross
def test_after_a_build_of_one_extension_others_arent_checked(sample_of: Samples) -> None:
    """That one is, and all of them are again after a build that has nothing to compile."""
    sample = sample_of("gcc")
    sample.build()
    (sample.root / "src" / "hello.c").write_bytes(
        (sample.root / "src" / "hello.c").read_bytes() + b"/* more */\n"
    )
    settled(sample.root / "src")
    assert command("build", "-q", "-e", "hello", folder=sample.root).status == 0
    assert command("check", folder=sample.root).out.startswith(NOT_BUILT)
    one = command("check", "-e", "hello", folder=sample.root)
    assert (one.status, one.out) == (0, "1 extension: no findings\n")
    assert command("build", "-q", folder=sample.root).status == 0
    assert command("check", folder=sample.root).out == "4 extensions: no findings\n"


@pytest.mark.cross
def test_check_with_sources_writes_and_compiles_nothing(sample_of: Samples) -> None:
    """With the objects of the last build as long as they are up to date."""
    sample = sample_of("gcc")
    sample.build()  # in this folder
    before = listing(sample.root)
    done = audited("check", folder=sample.root)
    assert (done.status, done.out, done.deeds) == (0, "4 extensions: no findings\n", ())
    with (sample.root / "src" / "iir.c").open("a", encoding="utf-8") as file:
        file.write("/* more */\n")
    (sample.root / "src" / "iir.c").touch()
    changed = listing(sample.root)
    done = audited("check", folder=sample.root)
    assert (done.status, done.deeds) == (0, ())
    assert done.out.count("note[T020]") == 4
    assert done.out.startswith(NOT_BUILT)
    assert changed == listing(sample.root)
    assert {path for path in before if before[path] != changed[path]} == {"src/iir.c"}


def test_check_before_the_base_image_is_built_says_what_it_leaves_out(tmp_path: Path) -> None:
    """A manifest can be checked in a fresh clone; its own errors still count."""
    made = project(tmp_path)
    made.write()
    (tmp_path / "base.elf").unlink()
    (note,) = check(made.request()).findings
    assert str(note) == (
        "llext.yml:3:3: note[B021]: no links were checked, because there is no base image: can't "
        "read 'base.elf': No such file or directory\nhint: build the base image first"
    )
    with_odd_manifest(made)
    made.write()
    (tmp_path / "base.elf").unlink()
    assert {each.code for each in check(made.request()).findings} == {"M011", "M012"}


def test_check_of_a_build_directory_that_was_asked_for_needs_it(tmp_path: Path) -> None:
    """Who names it on the command line means it."""
    made = project(tmp_path)
    made.write()
    with pytest.raises(MissingError, match="B001"):
        check(replace(made.request(), build_dir=tmp_path / "nowhere"))


def test_check_of_no_manifest_and_of_an_unknown_extension_is_refused(tmp_path: Path) -> None:
    """The first is the environment's fault, the second the command line's."""
    made = project(tmp_path)
    with pytest.raises(MissingError, match="M010"):
        check(made.request())
    made.write()
    with pytest.raises(UsageError, match=r"O009\]: there is no extension 'e'"):
        check(made.request("e"))


@pytest.mark.parametrize("image", ["base.elf", "later.elf"])
def test_check_without_a_build_finds_what_would_bar_one(image: str, tmp_path: Path) -> None:
    """As the build has it, without a compiler, and whether or not there is a base image."""
    (tmp_path / "base.elf").write_bytes(base_elf())
    (tmp_path / "b.c").touch()
    (tmp_path / "llext.yml").write_text(
        f"""\
version: 1
base: {{image: {image}, toolchain: {{cflags: [-c]}}}}
extensions:
  - name: one
    sources: [a.c, b.c, ./b.c]
  - name: two
    objects: [two.o, b.c]
""",
        encoding="utf-8",
    )
    ran = command("check", folder=tmp_path)
    assert (ran.status, ran.err) == (1, "")
    assert ran.out.startswith("""\
llext.yml:5:25: error[T007]: source './b.c' of extension 'one' is listed twice
hint: remove one of them
llext.yml:4:11: error[T006]: flag '-c' of the toolchain would decide whether to link, which is fixed
hint: remove '-c' from 'cflags'
llext.yml:5:15: warning[T016]: file 'a.c' doesn't exist
hint: create it, or remove it from the manifest
llext.yml:7:22: error[T005]: object 'b.c' has the suffix of a source, '.c'
hint: list it under 'sources'
llext.yml:7:15: warning[T016]: file 'two.o' doesn't exist
hint: create it, or remove it from the manifest
""")
    assert ran.out.endswith(
        "3 errors, 2 warnings, 2 notes\n" if image == "base.elf" else "1 note\n"
    )
