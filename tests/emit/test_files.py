# SPDX-License-Identifier: Apache-2.0
"""Single files: whole or not at all, only when they change."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from west_llext.diagnostics import ExitStatus, MissingError
from west_llext.emit import files
from west_llext.emit.files import LEFTOVER_AGE_S, put, sweep, unwritable

LINUX = sys.platform.startswith("linux")


def test_a_new_file_is_written_and_said_to_have_changed(tmp_path: Path) -> None:
    """Parent folders are made as needed."""
    path = tmp_path / "a" / "b" / "table.c"
    assert put(path, "int x;\n") is True
    assert path.read_bytes() == b"int x;\n"
    assert [each.name for each in path.parent.iterdir()] == ["table.c"]


def test_an_equal_file_keeps_its_time_stamp(tmp_path: Path) -> None:
    """Whatever is built from it need not be built again."""
    path = tmp_path / "table.c"
    put(path, "int x;\n")
    os.utime(path, ns=(1, 1))
    assert put(path, "int x;\n") is False
    assert path.stat().st_mtime_ns == 1
    assert put(path, "int x;\nint y;\n") is True
    assert path.stat().st_mtime_ns != 1


@pytest.mark.parametrize("old", ["", "a", "abc", "abcd", "abX"])
def test_only_exactly_equal_content_counts_as_equal(tmp_path: Path, old: str) -> None:
    """Prefixes and extensions differ."""
    path = tmp_path / "x"
    put(path, old)
    assert (old != "abc") == put(path, "abc")
    assert path.read_text() == "abc"


def test_text_is_utf8_with_its_own_line_ends(tmp_path: Path) -> None:
    """No translation to CRLF, no byte order mark; what is no Unicode text is spelled out."""
    path = tmp_path / "größe.txt"
    put(path, "ß\n\udc80\r\n")
    assert path.read_bytes() == b"\xc3\x9f\n\\udc80\r\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_the_mode_is_0644_less_the_umask(tmp_path: Path) -> None:
    """As with any file that a compiler writes."""
    previous = os.umask(0o027)
    try:
        put(tmp_path / "x", "x")
        os.umask(0)
        put(tmp_path / "y", "y")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "y").stat().st_mode) == 0o644


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    """The user put the link there."""
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "table.c"
    target.write_text("old")
    link = tmp_path / "table.c"
    link.symlink_to(target)
    assert put(link, "new") is True
    assert link.is_symlink()
    assert target.read_text() == "new"


@pytest.mark.skipif(not LINUX, reason="needs /dev/stdout")
def test_standard_output_is_written_directly(tmp_path: Path) -> None:
    """A rename over /dev/stdout would do harm; redirected or piped, it gets the content."""
    code = (
        "import sys; from pathlib import Path; from west_llext.emit.files import put;"
        "put(Path('/dev/stdout'), 'one\\n'); put(Path('/dev/stdout'), 'two\\n')"
    )
    piped = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert piped.stdout == "one\ntwo\n"
    with (tmp_path / "out").open("a") as redirected:
        subprocess.run([sys.executable, "-c", code], stdout=redirected, check=True)
    assert (tmp_path / "out").read_text().endswith("two\n")
    assert Path("/dev/stdout").exists()


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs /dev/shm")  # noqa: S108
def test_a_folder_below_dev_is_a_folder_like_any_other() -> None:
    """Builds in /dev/shm are quick; they are as safe as others."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = Path(folder) / "x"
        put(path, "x")
        assert put(path, "x") is False


@pytest.mark.skipif(not LINUX, reason="needs named pipes")
def test_a_pipe_is_written_directly_and_never_blocks_a_comparison(tmp_path: Path) -> None:
    """A named pipe in the place of a file is neither opened for reading nor replaced."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert files.holds(str(pipe), b"x") is False
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    assert put(pipe, "through\n") is True
    reader.join(10)
    assert got == [b"through\n"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(os.name == "nt", reason="Windows words it differently")
def test_a_folder_in_the_way_is_a_finding(tmp_path: Path) -> None:
    """Exit status 3; the whole text."""
    path = tmp_path / "table.c"
    path.mkdir()
    with pytest.raises(MissingError) as caught:
        put(path, "x")
    name = path.as_posix()
    expected = (
        f"{name}: error[O001]: can't write '{name}': Is a directory\n"
        "hint: move the folder that is in the way"
    )
    assert expected == str(caught.value.diagnostics[0])
    assert ExitStatus.ENVIRONMENT is caught.value.status
    assert [path] == list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The temporary file goes when the disk is full, also when the user interrupts."""
    path = tmp_path / "x"
    put(path, "old")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(MissingError, match="No space left on device"):
            put(path, "new")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            put(path, "new")
    assert [path] == list(tmp_path.iterdir())
    assert path.read_text() == "old"


def test_a_system_that_writes_in_parts_gets_all_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """POSIX write(): may write fewer bytes than asked."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:3]))
    put(tmp_path / "x", "0123456789")
    assert (tmp_path / "x").read_text() == "0123456789"


def test_leftovers_of_killed_runs_are_swept_but_not_those_of_running_ones(tmp_path: Path) -> None:
    """Ours by their form, dead by their age; everything else stays."""
    old = time.time() - LEFTOVER_AGE_S - 5
    for name in (".table.c.4711-0.tmp", ".x.1-12.tmp"):
        (tmp_path / name).write_text("half")
        os.utime(tmp_path / name, (old, old))
    for name in (".x.tmp", "x.1-1.tmp", ".x.1-1.tmp.c", "y"):
        (tmp_path / name).write_text("not ours")
        os.utime(tmp_path / name, (old, old))
    (tmp_path / ".fresh.1-1.tmp").write_text("under way")
    assert sweep(tmp_path) == (".table.c.4711-0.tmp", ".x.1-12.tmp")
    expected = [".fresh.1-1.tmp", ".x.1-1.tmp.c", ".x.tmp", "x.1-1.tmp", "y"]
    assert expected == sorted(each.name for each in tmp_path.iterdir())


def test_writing_a_file_sweeps_its_folder(tmp_path: Path) -> None:
    """So that leftovers don't pile up."""
    (tmp_path / ".x.1-0.tmp").write_text("half")
    os.utime(tmp_path / ".x.1-0.tmp", (1, 1))
    put(tmp_path / "x", "x")
    assert [each.name for each in tmp_path.iterdir()] == ["x"]


def test_two_processes_with_one_number_do_not_share_a_temporary_file(tmp_path: Path) -> None:
    """Process numbers repeat across containers that share a folder."""
    taken = tmp_path / f".x.{os.getpid()}-0.tmp"
    taken.write_text("of the other one")
    put(tmp_path / "x", "mine")
    assert (tmp_path / "x").read_text() == "mine"
    assert taken.read_text() == "of the other one"


def test_a_long_name_leaves_room_for_the_temporary_one(tmp_path: Path) -> None:
    """File systems take 255 bytes."""
    path = tmp_path / ("ß" * 120 + ".map")
    assert put(path, "x") is True
    assert path.read_text() == "x"


def test_windows_is_given_time_to_let_go_of_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virus scanner or debugger has it open: PermissionError, for a moment or for good."""
    real = os.replace
    refusals = [PermissionError(13, "in use")] * 2

    def stubborn(source: str, place: str) -> None:
        if refusals:
            raise refusals.pop()
        real(source, place)

    monkeypatch.setattr(os, "replace", stubborn)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    (tmp_path / "new").write_text("new")
    files._rename_patiently(str(tmp_path / "new"), str(tmp_path / "x"))
    assert (tmp_path / "x").read_text() == "new"
    refusals += [PermissionError(13, "in use")] * 5
    (tmp_path / "newer").write_text("newer")
    with pytest.raises(PermissionError):
        files._rename_patiently(str(tmp_path / "newer"), str(tmp_path / "x"))


@pytest.mark.parametrize(
    ("name", "number", "reason", "hint"),
    [
        (
            "llext.lock",
            errno.EROFS,
            "Read-only file system",
            "it stays beside the manifest: build once where that can be written, and commit it",
        ),
        (
            "demo.llext",
            errno.EROFS,
            "Read-only file system",
            "choose a folder on a writable file system with --output",
        ),
        (
            "demo.llext",
            errno.EEXIST,
            "File exists",
            "move the file that is in the way of a folder",
        ),
        ("llext.lock", errno.ENOSPC, "No space left on device", "free space on that disk"),
    ],
)
def test_what_to_do_is_up_to_the_file(name: str, number: int, reason: str, hint: str) -> None:
    """O001: the lock file has its place, whatever the output folder is."""
    (found,) = unwritable(f"out/{name}", OSError(number, reason)).diagnostics
    assert str(found) == (
        f"out/{name}: error[O001]: can't write 'out/{name}': {reason}\nhint: {hint}"
    )
