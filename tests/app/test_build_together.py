# SPDX-License-Identifier: Apache-2.0
"""Several builds at the same time: all succeed, and what is there afterwards is right."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from support.interrupted import Running, appeared
from support.sample import COMPILERS, Sample, prepared
from support.workshop import Part, Workshop

SLOW_LINK = """
from west_llext.app.session import Session
step = Session.{step}
def slow(self, *arguments):
    Session.{step} = step
    with open({mark!r}, "w"):
        end = time.monotonic() + {seconds}
    while time.monotonic() < end and os.path.exists({mark!r}):
        time.sleep(0.01)
    return step(self, *arguments)
Session.{step} = slow
"""


def many(folder: Path, count: int = 60) -> Workshop:
    """Extensions of all modes; every third imports from another one."""
    modes = ("prelocated", "bound", "prelocated")
    return Workshop(
        folder,
        [
            Part(
                name=f"e{number}",
                mode=modes[number % 3],
                code=20 + number % 7 * 12,
                calls=("printk",) if number % 3 < 2 else ("printk", f"e{number - 2}_run"),
                imports_from=() if number % 3 < 2 else (f"e{number - 2}",),
            )
            for number in range(count)
        ],
    )


def went_well(builds: Iterable[Running]) -> None:
    """Each of them, and none waits for ever."""
    assert [each.ended() for each in builds] == [(0, "")] * len(list(builds))


def ranges(made: Workshop) -> list[tuple[int, int]]:
    """What the report says that is taken, sorted."""
    report = json.loads((made.output / "llext-build.json").read_text(encoding="utf-8"))
    return sorted(
        (int(region["address"], 0), int(region["address"], 0) + region["size"])
        for extension in report["extensions"]
        for region in extension["regions"].values()
        if "address" in region
    )


def test_equal_builds_at_the_same_time_make_what_one_makes(tmp_path: Path) -> None:
    """Four of them, of which three find everything done."""
    alone, crowded = many(tmp_path / "alone"), many(tmp_path / "crowded")
    alone.build()
    crowded.write()
    went_well([Running("-j2", folder=crowded.root) for _ in range(4)])
    assert alone.outputs() == crowded.outputs()


@pytest.mark.parametrize("compiler", COMPILERS)
def test_equal_builds_with_compilers_at_the_same_time(
    compiler: str, built_sample: Callable[[str], Sample], tmp_path: Path
) -> None:
    """Each source is compiled by one of them."""
    expected = built_sample(compiler).outputs()
    made = prepared(tmp_path / "sample", compiler)
    builds = [Running(folder=made.root, environment=made.environment) for _ in range(3)]
    went_well(builds)
    assert expected == made.outputs()


def test_a_build_that_waited_for_an_equal_one_has_nothing_to_do(tmp_path: Path) -> None:
    """It looks again when its turn comes."""
    made = many(tmp_path, 6)
    made.write()
    mark = tmp_path / "started"
    slow = SLOW_LINK.format(step="resolve", mark=str(mark), seconds=2)
    first = Running(folder=tmp_path, before=slow)
    assert appeared(mark)
    never = SLOW_LINK.format(step="open", mark=str(tmp_path / "linked"), seconds=0)
    second = Running(folder=tmp_path, before=never)
    went_well([first, second])
    assert not (tmp_path / "linked").exists()


def test_builds_of_different_extensions_at_the_same_time_share_the_memories(
    tmp_path: Path,
) -> None:
    """None is placed over another, and the files that all share know all of them."""
    made = many(tmp_path, 12)
    made.write()
    names = [part.name for part in made.parts]
    went_well([Running("-e", name, folder=tmp_path) for name in names[::3]])
    went_well([Running("-e", name, folder=tmp_path) for name in names[2::3]])
    went_well([Running("-e", name, folder=tmp_path) for name in names[1::3]])
    taken = ranges(made)
    assert all(before[1] <= after[0] for before, after in pairwise(taken))
    report = json.loads((made.output / "llext-build.json").read_text(encoding="utf-8"))
    assert [each["name"] for each in report["extensions"]] == names
    outputs = made.outputs()
    made.build()
    assert outputs == made.outputs()


def test_a_build_of_some_leaves_the_shared_files_as_a_build_of_all_would(tmp_path: Path) -> None:
    """Raw images with the others in them, the report, the debugger's script."""
    made, whole = many(tmp_path / "some", 12), many(tmp_path / "all", 12)
    made.build()
    whole.build()
    for each in (made, whole):
        each.parts[3] = replace(each.parts[3], seed=1, code=200)
        each.parts[5] = replace(each.parts[5], seed=1)
    made.build("e3", "e5")
    whole.build()
    assert whole.outputs() == made.outputs()


@pytest.mark.parametrize("name", ["e6.llext", "llext-build.json"])
@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"{}", b'{"schema":1,"extensions":[{}]}'])
def test_a_build_of_some_does_not_believe_damaged_files(
    name: str, content: bytes, tmp_path: Path
) -> None:
    """What isn't as the last build left it isn't in the shared files; a build of all mends it."""
    made = many(tmp_path, 12)
    made.build()
    expected = made.outputs()
    (made.output / name).write_bytes(content)
    made.build("e3")
    report = json.loads((made.output / "llext-build.json").read_text(encoding="utf-8"))
    known = {each["name"] for each in report["extensions"]}
    assert known == ({part.name for part in made.parts} - {"e6"} if name[0] == "e" else {"e3"})
    made.build()
    assert expected == made.outputs()


def test_a_build_of_some_forgets_what_lies_where_others_do_now(tmp_path: Path) -> None:
    """The lock file was removed, and the first extension comes to lie where another one was."""
    made = many(tmp_path, 6)
    made.build()
    made.lock.unlink()
    made.parts[3] = replace(made.parts[3], code=100)
    made.build("e3")
    taken = ranges(made)
    assert all(before[1] <= after[0] for before, after in pairwise(taken))
    report = json.loads((made.output / "llext-build.json").read_text(encoding="utf-8"))
    assert {"e3", "e1", "e4"} <= {each["name"] for each in report["extensions"]}
    assert "e0" not in {each["name"] for each in report["extensions"]}


def test_builds_with_two_output_folders_do_not_share_addresses(tmp_path: Path) -> None:
    """They have one lock file; the slower one sees what the other has written, and makes room."""
    made = many(tmp_path, 6)
    made.write()
    mark = tmp_path / "started"
    slow = Running(
        *("-e", "e0", "-o", "one"),
        folder=tmp_path,
        before=SLOW_LINK.format(step="resolve", mark=str(mark), seconds=60),
    )
    assert appeared(mark)
    went_well([Running("-e", "e3", "-o", "two", folder=tmp_path)])
    assert b'"e0"' not in made.lock.read_bytes()
    mark.unlink()
    went_well([slow])
    rows = json.loads(made.lock.read_bytes())["blocks"]
    taken = sorted(
        (int(each["address"], 0), int(each["address"], 0) + each["size"]) for each in rows
    )
    assert {each["extension"] for each in rows} == {"e0", "e3"}
    assert all(before[1] <= after[0] for before, after in pairwise(taken))
