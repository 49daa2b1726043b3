# SPDX-License-Identifier: Apache-2.0
"""A second build: nothing where nothing changed, and just that where something did."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.audit import audited
from support.sample import COMPILERS, Sample
from support.workshop import SYMBOLS, Part, Workshop, base_elf, changed, contents, listing

from west_llext.app.requests import UpToDate
from west_llext.diagnostics import LlextError

Samples = Callable[[str], Sample]

#: Extensions that read what base.h declares as `board`.
USERS_OF_BOARD = {"filters", "hello", "mathlib"}
#: Files that any change of an extension's bytes shows in.
REPORT = {"llext-build.json"}


def own(name: str) -> set[str]:
    """The files of an extension."""
    return {f"{name}.llext", f"{name}.elf", f"{name}.map"}


def workshop(folder: Path) -> Workshop:
    """Three extensions, one of each mode, the prelocated one imported by a fourth."""
    made = Workshop(
        folder,
        [
            Part(name="fixed"),
            Part(name="user", calls=("printk", "fixed_run"), imports_from=("fixed",)),
            Part(name="bound", mode="bound", calls=("memcpy",)),
            Part(name="free", mode="relocatable", calls=("k_uptime_get",)),
        ],
    )
    made.build()
    return made


def written(made: Workshop | Sample, *names: str) -> set[str]:
    """What a build writes; the listing has to agree with what it says."""
    before = listing(made.output)
    result = made.build(*names)
    if isinstance(result, UpToDate):
        assert listing(made.output) == before
        return set()
    assert sorted((*result.changes.written, *result.changes.removed)) == [
        path for path in changed(before, listing(made.output)) if "/" not in path
    ]
    return set(result.changes.written)


def test_a_second_build_changes_nothing_and_starts_nothing(tmp_path: Path) -> None:
    """Measured, not believed: not even a lock is opened for writing."""
    workshop(tmp_path)
    assert audited("build", folder=tmp_path).status == 0  # by a command, with its PATH
    before = listing(tmp_path)
    again = audited("build", folder=tmp_path)
    assert (again.status, again.out.strip(), again.deeds) == (0, "4 extensions: nothing to do", ())
    assert before == listing(tmp_path)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_second_build_with_sources_starts_no_compiler(compiler: str, sample_of: Samples) -> None:
    """Nor ninja, to ask it."""
    sample = sample_of(compiler)
    here, environment = sample.root, sample.environment
    assert audited("build", folder=here, environment=environment).status == 0
    before = listing(here)
    again = audited("build", folder=here, environment=environment)
    assert (again.status, again.out.strip(), again.deeds) == (0, "4 extensions: nothing to do", ())
    assert before == listing(sample.root)


def test_touching_files_changes_no_output(tmp_path: Path) -> None:
    """Contents count: a clone or a cache sets times as it likes."""
    made = workshop(tmp_path)
    for path in [*tmp_path.glob("*"), *made.output.glob("*")]:
        if path.is_file():
            os.utime(path, (1, 1))
    before = listing(tmp_path)
    assert isinstance(made.build(), UpToDate)
    assert before == listing(tmp_path)


@pytest.mark.cross
def test_touching_a_source_changes_no_output(sample_of: Samples) -> None:
    """Ninja goes by time and compiles it again; nothing comes of that."""
    sample = sample_of("gcc")
    os.utime(sample.root / "src" / "fir.c")
    before = listing(sample.root)
    sample.build()
    assert changed(before, listing(sample.root)) == []


def test_another_object_rewrites_its_extension_and_the_report(tmp_path: Path) -> None:
    """Others keep their bytes and their times."""
    made = workshop(tmp_path)
    made.parts[2] = replace(made.parts[2], code=64)
    assert own("bound") | REPORT == written(made)
    assert written(made) == set()


def test_another_object_of_a_prelocated_extension_rewrites_its_memories(tmp_path: Path) -> None:
    """Raw images hold its bytes, too."""
    made = workshop(tmp_path)
    made.parts[0] = replace(made.parts[0], seed=1)
    images = {"rom.bin", "rom.hex", "ram.bin", "ram.hex"}
    # nothing moves, so the map of an extension whose bytes have other values stays as it is
    assert own("fixed") - {"fixed.map"} | REPORT | images == written(made)


def test_another_list_of_exports_rewrites_the_table(tmp_path: Path) -> None:
    """And no extension."""
    made = workshop(tmp_path)
    made.exports = [*SYMBOLS, "board"]
    made.base = base_elf({**SYMBOLS, "board": 0x20000000})
    assert {"llext_exports.c", "llext_exports.h"} | REPORT == written(made)


def test_a_shared_list_of_exports_is_an_input(tmp_path: Path) -> None:
    """`from` files decide as the manifest does."""
    made = workshop(tmp_path)
    shared = tmp_path / "shared.yml"
    shared.write_text("symbols: [printk, k_uptime_get]\n", encoding="utf-8")
    text = made.manifest.read_text(encoding="utf-8")
    text = text.replace("symbols: [printk, k_uptime_get, memcpy]", "from: shared.yml")
    made.manifest.write_text(text, encoding="utf-8")

    class Fixed(Workshop):
        def write(self) -> None:
            """The files are as the test has made them."""

    fixed = Fixed(tmp_path)
    assert {"llext_exports.c", "llext_exports.h"} | REPORT == written(fixed)
    assert written(fixed) == set()
    shared.write_text("symbols: [printk, k_uptime_get, memcpy]\n", encoding="utf-8")
    assert {"llext_exports.c", "llext_exports.h"} | REPORT == written(fixed)


def test_a_base_image_that_moved_rewrites_what_has_addresses(tmp_path: Path) -> None:
    """A relocatable blob only knows names."""
    made = workshop(tmp_path)
    made.base = base_elf({name: value + 0x20 for name, value in SYMBOLS.items()})
    found = written(made)
    assert own("fixed") | own("user") | own("bound") <= found
    assert not own("free") & {path for path in found if path.endswith((".llext", ".elf"))}


def test_a_base_image_with_the_same_symbols_rewrites_no_blob(tmp_path: Path) -> None:
    """Other code at the same addresses: devices need nothing new."""
    made = workshop(tmp_path)
    made.base = base_elf(seed=1)
    assert written(made) == REPORT


def test_another_lock_file_moves_what_it_says(tmp_path: Path) -> None:
    """It comes with a pull, for instance; who imports from what moved is rewritten, too."""
    made = workshop(tmp_path)
    text = made.lock.read_text(encoding="utf-8").replace(
        '"address": "0x100000"', '"address": "0x100800"'
    )
    made.lock.write_text(text, encoding="utf-8")
    found = written(made)
    assert own("fixed") | {"user.llext", "user.elf"} <= found
    assert not {"bound.llext", "free.llext"} & found


def test_a_removed_lock_file_is_written_again(tmp_path: Path) -> None:
    """Where it was the outcome of the manifest alone, with the same content."""
    made = workshop(tmp_path)
    before = made.lock.read_bytes()
    made.lock.unlink()
    assert written(made) == set()
    assert before == made.lock.read_bytes()


def test_a_removed_extension_takes_its_files_along(tmp_path: Path) -> None:
    """And nothing that isn't ours."""
    made = workshop(tmp_path)
    (made.output / "notes.txt").write_text("mine", encoding="utf-8")
    made.parts.pop()
    made.build()
    assert not own("free") & contents(made.output).keys()
    assert "notes.txt" in contents(made.output)


@pytest.mark.parametrize("how", ["deleted", "damaged", "emptied"])
@pytest.mark.parametrize(
    "name",
    ["bound.llext", "fixed.elf", "user.map", "rom.bin", "llext-build.json", "llext_exports.c"],
)
def test_a_missing_or_damaged_output_is_made_again(how: str, name: str, tmp_path: Path) -> None:
    """Just that one."""
    made = workshop(tmp_path)
    path = made.output / name
    right = path.read_bytes()
    if how == "deleted":
        path.unlink()
    else:
        path.write_bytes(right[:-1] + b"?" if how == "damaged" else b"")
    assert {name} == written(made)
    assert right == path.read_bytes()


@pytest.mark.parametrize("content", [None, "", "west-llext state 2\n", "\n" * 100_000, "\0", "é"])
def test_a_missing_or_damaged_record_only_costs_time(content: str | None, tmp_path: Path) -> None:
    """Everything is linked again, and found to be there."""
    made = workshop(tmp_path)
    record = made.output / ".west-llext" / "state.txt"
    if content is None:
        record.unlink()
    else:
        record.write_text(content, encoding="utf-8")
    assert written(made) == set()
    assert isinstance(made.build(), UpToDate)


def test_the_order_and_repetition_of_names_make_no_other_build(tmp_path: Path) -> None:
    """`-e a -e b -e a` is `-e b -e a`."""
    made = workshop(tmp_path)
    made.build("free", "bound")
    assert isinstance(made.build("bound", "free", "bound"), UpToDate)


def test_where_the_command_runs_makes_no_other_build(tmp_path: Path) -> None:
    """Nor how the path to the manifest is spelled."""
    made = workshop(tmp_path / "project")
    made.build()
    below = tmp_path / "project" / "deep" / "below"
    below.mkdir(parents=True)
    path = {"PATH": os.environ.get("PATH", "")}
    assert audited("build", folder=tmp_path / "project", environment=path).status == 0
    for folder, words in (
        (below, ()),
        (tmp_path, ("-m", "project/llext.yml")),
        (tmp_path, ("-m", str(made.manifest))),
        (below, ("-m", "../../llext.yml", "-o", "../../build/llext")),
    ):
        assert audited("build", *words, folder=folder, environment=path).deeds == ()


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_to_the_project_makes_no_other_build(tmp_path: Path) -> None:
    """Behind a symbolic link `..` leads elsewhere than it says."""
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    made = workshop(tmp_path / "a" / "b" / "c" / "project")
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    link = tmp_path / "link"
    link.symlink_to(made.root)
    linked = Workshop(link, made.parts)
    linked.build()
    before = listing(made.root)
    assert isinstance(linked.build(), UpToDate)
    assert before == listing(made.root)


def test_an_object_that_changes_during_the_build_is_linked_the_next_time(tmp_path: Path) -> None:
    """What is recorded is what was read, not what is there at the end."""
    made = workshop(tmp_path)
    expected = made.outputs()
    made.parts[2] = replace(made.parts[2], seed=1)
    made.write()
    late = made.parts[2].object()
    old = replace(made.parts[2], seed=0)
    (tmp_path / "bound.o").write_bytes(old.object())
    made.manifest.write_text(made.manifest.read_text(encoding="utf-8") + "\n", encoding="utf-8")

    from west_llext.app.build import build

    def edit(what: str, done: int, total: int) -> None:
        del done, total
        if what == "writing":
            (tmp_path / "bound.o").write_bytes(late)

    build(replace(made.request(), progress=edit))
    assert expected["bound.llext"] == (made.output / "bound.llext").read_bytes()
    build(made.request())
    assert expected["bound.llext"] != (made.output / "bound.llext").read_bytes()


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("src/iir.c", "", "/* more */", set()),
        ("src/fir.c", "TAPS 4", "TAPS 3", {"filters"}),
        ("src/words.c", "world", "earth", {"hello"}),
        ("include/mathlib.h", "", "#define UNUSED 1\n", set()),
        ("include/base.h", "const char *name;", "const char *name, *mark;", USERS_OF_BOARD),
    ],
)
@pytest.mark.cross
def test_an_edited_source_rebuilds_its_extension(
    file: str, old: str, new: str, expected: set[str], sample_of: Samples
) -> None:
    """A header counts for whoever includes it; a comment leads to the same code, so to nothing."""
    sample = sample_of("gcc")
    path = sample.root / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    result = sample.build()
    assert not isinstance(result, UpToDate)
    changes = result.changes
    assert changes is not None
    assert {each for each in changes.written if each.endswith(".llext")} == {
        f"{name}.llext" for name in expected
    }


@pytest.mark.cross
def test_a_build_of_others_that_failed_later_hides_no_change(sample_of: Samples) -> None:
    """It compiled in the same folder, so what it left says nothing of the build before it."""
    sample = sample_of("gcc")
    sample.build()
    manifest = sample.manifest.read_text(encoding="utf-8")
    broken = manifest.replace("exports: [hello_run]", "exports: [hello_ran]")
    sample.manifest.write_text(broken, encoding="utf-8")
    with pytest.raises(LlextError, match="'hello_ran'"):
        sample.build("hello")
    sample.manifest.write_text(manifest, encoding="utf-8")
    path = sample.root / "src" / "fir.c"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("TAPS 4", "TAPS 3"), encoding="utf-8")
    assert "filters.llext" in written(sample)
