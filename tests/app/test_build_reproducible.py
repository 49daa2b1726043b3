# SPDX-License-Identifier: Apache-2.0
"""The same files from any folder, on any day, in any order of events.

`obj/` and `.west-llext/` in the output folder are the tool's own and are looked at apart. Most of
what is in them is the same as well. The compilation database names the folder as editors want it,
commands in build.ninja map it away, ninja's logs and ours hold times of files, and zig's library of
helpers names its members after files in zig's cache, one of them at random.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.audit import audited
from support.commands import process
from support.sample import COMPILERS, Sample
from support.workshop import Part, Workshop, contents

Samples = Callable[[str], Sample]

ODD_FOLDER = "with space, ünï¢ödé and 日本"
#: What has no business in any output, one way and another.
HERE = {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C", "COLUMNS": "80"}
THERE = {
    "PYTHONHASHSEED": "4711",
    "TZ": "Pacific/Kiritimati",
    "LC_ALL": "C.UTF-8",
    "LANGUAGE": "de",
    "COLUMNS": "200",
    "NO_COLOR": "1",
    "SOURCE_DATE_EPOCH": "1",
}


def fresh(sample: Sample, root: Path) -> Sample:
    """The sample in another folder, as a clone has it, with the base image and nothing else."""
    made = sample.copied(root)
    shutil.rmtree(made.output)
    made.lock.unlink()
    return made


def with_times(folder: Path, seconds: int) -> None:
    """Give every file of a folder this time."""
    for path in folder.rglob("*"):
        os.utime(path, (seconds, seconds))


@pytest.mark.parametrize("compiler", COMPILERS)
def test_two_folders_two_days_two_machines_give_the_same_bytes(
    compiler: str, built_sample: Callable[[str], Sample], tmp_path: Path
) -> None:
    """Folder, hash seed, number of processes, current folder, locale, time zone, file times."""
    here = fresh(built_sample(compiler), tmp_path / "here")
    there = fresh(built_sample(compiler), tmp_path / "deep" / "er" / ODD_FOLDER)
    with_times(here.root, 1_000_000_000)
    with_times(there.root, 1_700_000_000)
    manifest = os.fspath(there.manifest)
    runs = (
        process("build", "-j1", folder=here.root, environment={**here.environment, **HERE}),
        process(
            *("build", "-j2", "-m", manifest),
            folder=tmp_path,
            environment={**there.environment, **THERE},
        ),
    )
    assert [(each.status, each.err) for each in runs] == [(0, "")] * 2
    assert here.outputs() == there.outputs()
    assert here.outputs().keys() >= {"llext.lock", "ext_rom.bin", "llext.gdb"}
    # what compilers make is the same, too, and what we remember of the build
    for name in ("obj", ".west-llext"):
        assert shared(here.output / name) == shared(there.output / name)


def shared(folder: Path) -> dict[str, bytes]:
    """The files of a folder that is the tool's own that have no reason to differ."""
    different = {
        "compile_commands.json",
        "build.ninja",
        "objects.state",
        ".ninja_log",
        ".ninja_deps",
    }
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in different and path.suffix != ".a"
    }


@pytest.mark.parametrize("compiler", COMPILERS)
def test_debug_information_changes_only_what_is_for_the_debugger(
    compiler: str, sample_of: Samples
) -> None:
    """It is there by default, so it may not cost the target anything."""
    sample = sample_of(compiler)
    before = sample.outputs()
    text = sample.manifest.read_text(encoding="utf-8")
    sample.manifest.write_text(text.replace("[-Os]", "[-Os, -g0]"), encoding="utf-8")
    sample.build()
    after = sample.outputs()
    assert before.keys() == after.keys()
    different = {name for name in before if before[name] != after[name]}
    assert different == {f"{name}.elf" for name in ("counter", "filters", "hello", "mathlib")}


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_output_folder_can_be_anywhere(
    compiler: str, built_sample: Callable[[str], Sample], tmp_path: Path
) -> None:
    """Outputs don't say where they are, nor where their objects were."""
    sample = built_sample(compiler)
    copy = fresh(sample, tmp_path / "copy")
    away = tmp_path / "else" / "where"
    done = process("build", "-o", str(away), folder=copy.root, environment=copy.environment)
    assert (done.status, done.err) == (0, "")
    assert contents(sample.output) == contents(away)


def traces(*roots: Path) -> Iterator[bytes]:
    """What would tell where, by whom and when a file was made."""
    for root in (*roots, Path.home(), Path(__file__).parents[2]):
        yield os.fsencode(root)
    if len(socket.gethostname()) > 5:  # shorter ones are in other words
        yield socket.gethostname().encode()
    if getpass.getuser() != "root":
        yield getpass.getuser().encode()
    now = time.localtime()
    for form in ("%Y-%m-%d", "%b %d %Y", "%b %e %Y", "%d.%m.%Y", "%Y%m%d"):
        yield time.strftime(form, now).encode()


@pytest.mark.parametrize("compiler", COMPILERS)
def test_no_output_tells_where_by_whom_and_when_it_was_made(
    compiler: str, built_sample: Callable[[str], Sample]
) -> None:
    """Neither do objects, nor the record of the build; see above for what does."""
    sample = built_sample(compiler)
    files = {
        **sample.outputs(),
        **shared(sample.output / "obj"),
        **shared(sample.output / ".west-llext"),
    }
    del files["compiler.txt"]  # says which program compiles
    found = [
        (name, trace)
        for trace in traces(sample.root)
        for name, content in files.items()
        if trace in content
    ]
    assert found == []
    assert len(files) > 30


def many(folder: Path, count: int = 60) -> Workshop:
    """So many extensions that processes share the work; every fifth imports from another one."""
    parts = []
    for number in range(count):
        modes = ("prelocated", "prelocated", "bound", "relocatable", "prelocated")
        mode = modes[number % 5]
        provider = f"e{number - 4}" if number % 5 == 4 else None
        parts.append(
            Part(
                name=f"e{number}",
                mode=mode,
                code=20 + number % 7 * 12,
                calls=("printk", *([f"{provider}_run"] if provider else [])),
                imports_from=(provider,) if provider else (),
            )
        )
    return Workshop(folder, parts)


def test_one_process_or_two_give_the_same_bytes(tmp_path: Path) -> None:
    """The second build is known to have forked; importers may be in another process."""
    alone, together = many(tmp_path / "alone"), many(tmp_path / "together")
    for made, jobs, seed in ((alone, "-j1", "1"), (together, "-j2", "2")):
        made.write()
        done = audited("build", jobs, folder=made.root, environment={"PYTHONHASHSEED": seed})
        assert done.status == 0, done.out
        forks = sum(each.startswith("os.fork") for each in done.deeds)
        assert forks == (2 if made is together else 0)
    assert alone.outputs() == together.outputs()
    assert len(alone.outputs()) > 180


def test_a_rebuild_after_edits_is_the_build_of_a_clone(tmp_path: Path) -> None:
    """No state is left of what was built in between, or in parts."""
    edited = many(tmp_path / "edited", 10)
    edited.build()
    parts = list(edited.parts)
    edited.parts = [*parts[:3], *parts[4:]]
    edited.exports = edited.exports[1:]
    edited.failure()
    edited.parts = parts
    edited.exports = many(tmp_path).exports
    edited.build("e4")
    edited.build("e7", "e3")
    clone = many(tmp_path / "clone", 10)
    clone.build()
    assert clone.outputs() == edited.outputs()
