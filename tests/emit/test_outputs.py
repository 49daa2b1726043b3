# SPDX-License-Identifier: Apache-2.0
"""All outputs of a run: together, inside their folder, and safe from kills and other builds."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from west_llext.diagnostics import LlextError, MissingError
from west_llext.emit import files
from west_llext.emit.lock import locked
from west_llext.emit.outputs import Changes, Outputs, Stale

POSIX = pytest.mark.skipif(os.name == "nt", reason="needs symbolic links and signals")


def written(folder: Path, contents: dict[str, str], stale: Stale = Stale.REMOVE) -> Changes:
    outputs = Outputs(folder)
    for path, content in contents.items():
        outputs.add(path, content)
    return outputs.commit(stale)


def listing(folder: Path) -> dict[str, str]:
    """Files that a user sees: without the tool's own folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".west-llext" not in path.parts
    }


def messages(error: pytest.ExceptionInfo[LlextError], folder: Path) -> list[str]:
    return [str(each).replace(folder.as_posix(), "OUT") for each in error.value.diagnostics]


def test_a_commit_says_what_it_changed(tmp_path: Path) -> None:
    """New files, then one changed, then none."""
    out = tmp_path / "build" / "llext"
    assert Changes(written=("a.map", "s/b.map")) == written(out, {"s/b.map": "b", "a.map": "a"})
    second = written(out, {"s/b.map": "b", "a.map": "A"})
    assert Changes(written=("a.map",), untouched=1) == second
    assert Changes(untouched=2) == written(out, {"s/b.map": "b", "a.map": "A"})
    assert listing(out) == {"a.map": "A", "s/b.map": "b"}


def test_nothing_is_touched_when_nothing_changed(tmp_path: Path) -> None:
    """Not the files, not our own records: their time stamps stay."""
    contents = {"a": "a", "s/b": "b"}
    written(tmp_path, contents)
    every = [path for path in tmp_path.rglob("*") if path.is_file()]
    for path in every:
        os.utime(path, ns=(1, 1))
    written(tmp_path, contents)
    assert [1] * len(every) == [path.stat().st_mtime_ns for path in every]


def test_all_bad_paths_are_reported_and_nothing_is_written(tmp_path: Path) -> None:
    """In the order of the outputs; the good ones aren't written either."""
    outputs = Outputs(tmp_path / "out")
    outputs.add("good.map", "x")
    outputs.add("../evil", "x")
    outputs.add("/etc/passwd", "x")
    outputs.add("aux.map", "x")
    outputs.add("Good.MAP", "x")
    outputs.add("good.map", "y")
    with pytest.raises(LlextError) as caught:
        outputs.commit()
    assert messages(caught, tmp_path / "out") == [
        "OUT/../evil: error[O002]: output path '../evil' leaves the output folder",
        "/etc/passwd: error[O002]: output path '/etc/passwd' is absolute",
        (
            "OUT/aux.map: error[O002]: output path 'aux.map' has the component 'aux.map',"
            " which is a device on Windows"
        ),
        (
            "OUT/Good.MAP: error[O003]: two outputs are written to 'Good.MAP':"
            " 'good.map' is the same file on some systems\nhint: rename one of the extensions"
        ),
        (
            "OUT/good.map: error[O003]: two outputs are written to 'good.map'\n"
            "hint: rename one of the extensions"
        ),
    ]
    assert list(tmp_path.iterdir()) == []


@POSIX
def test_a_linked_folder_does_not_lead_out(tmp_path: Path) -> None:
    """Neither a folder of outputs nor our own; nothing is written anywhere."""
    outside = tmp_path / "outside"
    outside.mkdir()
    out = tmp_path / "out"
    out.mkdir()
    (out / "maps").symlink_to(outside)
    with pytest.raises(LlextError) as caught:
        written(out, {"maps/a.map": "x", "b": "y"})
    assert messages(caught, out) == [
        (
            "OUT/maps: error[O002]: output folder 'maps' leads out of 'OUT' by a link\n"
            "hint: remove the symbolic link"
        )
    ]
    (out / "maps").unlink()
    (out / ".west-llext").symlink_to(outside)
    with pytest.raises(LlextError, match="leads out of"):
        written(out, {"b": "y"})
    assert list(outside.iterdir()) == []
    assert listing(out) == {}


@POSIX
def test_a_linked_file_is_replaced_not_followed(tmp_path: Path) -> None:
    """In our own folder a link in the place of an output is nobody's wish."""
    (tmp_path / "precious").write_text("precious")
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.map").symlink_to(tmp_path / "precious")
    written(out, {"a.map": "x"})
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (out / "a.map").is_symlink()
    assert listing(out) == {"a.map": "x"}


@POSIX
def test_a_linked_output_folder_is_the_users_choice(tmp_path: Path) -> None:
    """`build` may be a link to a larger disk, and folders inside may be links to each other."""
    (tmp_path / "disk" / "real").mkdir(parents=True)
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "alias").symlink_to(tmp_path / "disk" / "real")
    written(tmp_path / "out", {"a": "a", "alias/b": "b"})
    assert (tmp_path / "disk" / "real" / "b").read_text() == "b"


def test_outputs_of_a_removed_extension_go_and_nothing_else(tmp_path: Path) -> None:
    """Only what our own record lists; empty folders go, too."""
    written(tmp_path, {"a.map": "a", "motor/b.map": "b", "motor/c/d.map": "d"})
    (tmp_path / "notes.txt").write_text("of the user")
    changes = written(tmp_path, {"a.map": "a"})
    assert Changes(removed=("motor/b.map", "motor/c/d.map"), untouched=1) == changes
    assert listing(tmp_path) == {"a.map": "a", "notes.txt": "of the user"}
    assert not (tmp_path / "motor").exists()
    assert Changes(untouched=1) == written(tmp_path, {"a.map": "a"})


def test_a_folder_with_something_of_the_users_stays(tmp_path: Path) -> None:
    """Only empty folders are removed."""
    written(tmp_path, {"motor/b.map": "b"})
    (tmp_path / "motor" / "notes.txt").write_text("of the user")
    written(tmp_path, {"a": "a"})
    assert listing(tmp_path) == {"a": "a", "motor/notes.txt": "of the user"}


def test_a_partial_run_keeps_the_other_outputs_and_remembers_them(tmp_path: Path) -> None:
    """As with `--extension`; the next full run can still remove them."""
    written(tmp_path, {"a": "a", "b": "b"})
    assert Changes(untouched=1) == written(tmp_path, {"a": "a"}, Stale.KEEP)
    assert Changes(written=("c",)) == written(tmp_path, {"c": "c"}, Stale.KEEP)
    assert listing(tmp_path) == {"a": "a", "b": "b", "c": "c"}
    assert Changes(removed=("b", "c"), untouched=1) == written(tmp_path, {"a": "a"})


@POSIX
def test_a_forged_record_removes_nothing_outside(tmp_path: Path) -> None:
    """Paths in the record are judged like any others; folders and linked places are left."""
    out = tmp_path / "out"
    written(out, {"a": "a"})
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "precious").write_text("precious")
    (out / "far").symlink_to(tmp_path / "far")
    (out / "folder").mkdir()
    record = out / ".west-llext" / "outputs.txt"
    forged = ["../precious", str(tmp_path / "precious"), "far/precious", "folder", "x\0y", ""]
    record.write_text(record.read_text() + "\n".join(forged) + "\n")
    written(out, {"a": "A"})
    assert (tmp_path / "precious").read_text() == "precious"
    assert (tmp_path / "far" / "precious").read_text() == "precious"
    assert (out / "folder").is_dir()


@pytest.mark.parametrize("garbage", [b"", b"\xff\xfe\x00", b"\n" * 100, os.urandom(1000)])
def test_a_broken_record_is_no_record(tmp_path: Path, garbage: bytes) -> None:
    """It only means that nothing is known to be removable."""
    written(tmp_path, {"a": "a", "b": "b"})
    (tmp_path / ".west-llext" / "outputs.txt").write_bytes(garbage)
    written(tmp_path, {"a": "A"})
    assert listing(tmp_path) == {"a": "A", "b": "b"}


def test_a_full_disk_leaves_every_output_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is renamed before everything is written; the message names the output."""
    old = {f"f{number}": "old" for number in range(10)}
    written(tmp_path, old)
    real = files.create
    count = 0

    def create(path: str, data: bytes) -> None:
        nonlocal count
        count += 1
        if count == 8:
            raise OSError(28, "No space left on device", path)
        real(path, data)

    monkeypatch.setattr(files, "create", create)
    with pytest.raises(MissingError) as caught:
        written(tmp_path, {f"f{number}": "new" for number in range(10)})
    assert messages(caught, tmp_path) == [
        (
            "OUT/f7: error[O001]: can't write 'OUT/f7': No space left on device\n"
            "hint: free space on that disk"
        )
    ]
    assert old == listing(tmp_path)
    assert list((tmp_path / ".west-llext" / "new").iterdir()) == []


@POSIX
def test_a_file_in_the_way_of_a_folder_is_a_finding(tmp_path: Path) -> None:
    """The name of the system call's error, and what to do."""
    (tmp_path / "maps").write_text("of the user")
    with pytest.raises(MissingError, match=r"O001.*can't write '.*/maps': File exists"):
        written(tmp_path, {"maps/a.map": "x"})
    (tmp_path / "folder").mkdir()
    with pytest.raises(MissingError, match=r"O001.*can't write '.*/folder': Is a directory"):
        written(tmp_path, {"folder": "x"})
    (tmp_path / "maps").unlink()
    (tmp_path / "maps" / "a.map").mkdir(parents=True)
    with pytest.raises(MissingError, match=r"O001.*can't write '.*/maps/a.map': Is a directory"):
        written(tmp_path, {"b": "x", "maps/a.map": "x"})
    assert not (tmp_path / "b").exists()


def test_an_interrupted_commit_is_finished_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after some renames: each file is old or new, the record knows those of both runs."""
    written(tmp_path, {"a": "old", "b": "old", "gone": "old"})
    real = files.rename
    count = 0

    def rename(source: str, place: str) -> None:
        nonlocal count
        count += 1
        if count == 3:  # the record, then a, then b
            raise KeyboardInterrupt
        real(source, place)

    new = {"a": "new", "b": "new", "c": "new"}
    with monkeypatch.context() as patch:
        patch.setattr(files, "rename", rename)
        with pytest.raises(KeyboardInterrupt):
            written(tmp_path, new)
    assert listing(tmp_path) == {"a": "new", "b": "old", "gone": "old"}
    assert Changes(written=("b", "c"), removed=("gone",), untouched=1) == written(tmp_path, new)
    assert new == listing(tmp_path)
    assert list((tmp_path / ".west-llext" / "new").iterdir()) == []


def test_a_lock_is_waited_for_and_then_complained_about(tmp_path: Path) -> None:
    """The whole text; `waiting` is called once."""
    path = tmp_path / "lock"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            (
                "import sys; from pathlib import Path; from west_llext.emit.lock import locked\n"
                f"with locked(Path({str(path)!r})): print('held', flush=True); sys.stdin.read()"
            ),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    calls: list[str] = []
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(MissingError) as caught,
            locked(path, patience=0.12, waiting=lambda: calls.append("waiting")),
        ):
            pass
        holder.communicate()
        with locked(path, patience=10):
            calls.append("mine")
    expected = (
        "OUT/lock: error[O004]: another process still holds the lock 'OUT/lock'\n"
        "hint: wait for the other build to end, or choose another folder"
    )
    assert [expected] == messages(caught, tmp_path)
    assert calls == ["waiting", "mine"]


COMMITTER = """
import sys
from pathlib import Path
from west_llext.emit.outputs import Outputs

folder, seed, count, rounds = Path(sys.argv[1]), *map(int, sys.argv[2:])
print("ready", flush=True)
for generation in range(seed, seed + rounds):
    outputs = Outputs(folder)
    for number in range(count):
        line = f"{generation} {number}\\n"
        outputs.add(f"d{number % 7}/f{number}.map", line * (100 + generation % 50))
    outputs.commit()
"""


def assert_whole(folder: Path, count: int) -> set[int]:
    """Every file is all of one generation; the generations that were found."""
    found = set()
    for number in range(count):
        lines = (folder / f"d{number % 7}" / f"f{number}.map").read_text().splitlines()
        generation = int(lines[0].split()[0])
        assert [f"{generation} {number}"] * (100 + generation % 50) == lines
        found.add(generation)
    return found


@POSIX
def test_killed_at_any_moment_every_file_is_whole(tmp_path: Path) -> None:
    """`kill -9` at 40 random moments of a process that commits 200 files again and again."""
    count = 200
    chance = random.Random(20261122)  # noqa: S311 - not for secrets
    subprocess.run(
        [sys.executable, "-c", COMMITTER, str(tmp_path), "0", str(count), "1"], check=True
    )
    for attempt in range(1, 41):
        command = [sys.executable, "-c", COMMITTER, str(tmp_path), str(attempt * 1000), str(count)]
        with subprocess.Popen([*command, "1000"], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0, 0.06))
            process.kill()
        assert_whole(tmp_path, count)
    subprocess.run(
        [sys.executable, "-c", COMMITTER, str(tmp_path), "99", str(count), "1"], check=True
    )
    assert {99} == assert_whole(tmp_path, count)
    assert count == len(listing(tmp_path))
    assert list((tmp_path / ".west-llext" / "new").iterdir()) == []


def test_two_builds_at_once_leave_the_outputs_of_one(tmp_path: Path) -> None:
    """Commits take turns, so the files are all of the same generation."""
    count = 60
    running = [
        subprocess.Popen(
            [sys.executable, "-c", COMMITTER, str(tmp_path), str(seed), str(count), "15"],
            stdout=subprocess.DEVNULL,
        )
        for seed in (1000, 2000)
    ]
    assert [process.wait(60) for process in running] == [0, 0]
    assert assert_whole(tmp_path, count) in ({1014}, {2014})
