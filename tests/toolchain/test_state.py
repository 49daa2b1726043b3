# SPDX-License-Identifier: Apache-2.0
"""What is remembered of a build, and when it is believed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from west_llext.emit.files import put
from west_llext.toolchain.state import forget, record, unchanged

SECOND = 1_000_000_000
STARTED = 1_000_000 * SECOND + 123_456_789


def recorded(root: Path, *, source_time: int, digest: str = "abc") -> bool:
    """Whether a build of one source, written at that time, is remembered."""
    (root / "a.c").write_text("int a;\n")
    (root / "a.o").write_text("object")
    os.utime(root / "a.c", ns=(source_time, source_time))
    record(
        root / "obj", root, digest, inputs=["a.c"], outputs=["a.o"], started=STARTED, put=put
    )  # fmt: skip
    return unchanged(root / "obj", root, digest)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a folder for objects."""
    (tmp_path / "obj").mkdir()
    return tmp_path


def test_a_build_is_believed_until_a_file_differs(root: Path) -> None:
    """By size and time; outputs as well as inputs."""
    assert recorded(root, source_time=STARTED - SECOND)
    os.utime(root / "a.c", ns=(1, 1))
    assert not unchanged(root / "obj", root, "abc")
    assert recorded(root, source_time=STARTED - SECOND)
    (root / "a.o").write_text("half")
    assert not unchanged(root / "obj", root, "abc")
    assert recorded(root, source_time=STARTED - SECOND)
    (root / "a.c").unlink()
    assert not unchanged(root / "obj", root, "abc")


def test_a_build_is_believed_only_for_its_plan(root: Path) -> None:
    """Another plan may have other objects."""
    assert recorded(root, source_time=STARTED - SECOND)
    assert not unchanged(root / "obj", root, "abd")


def test_a_source_that_may_have_changed_while_it_was_read_is_not_believed(root: Path) -> None:
    """Its time is after the start, or so near that the clock's tick hides the order."""
    assert not recorded(root, source_time=STARTED + 1)
    assert not recorded(root, source_time=STARTED - 1_000_000)
    assert recorded(root, source_time=STARTED - 50_000_000)


def test_times_in_whole_seconds_are_those_of_a_coarse_file_system(root: Path) -> None:
    """FAT has two seconds."""
    whole = STARTED - STARTED % SECOND
    assert not recorded(root, source_time=whole - SECOND)
    assert recorded(root, source_time=whole - 2 * SECOND)


def test_nothing_is_remembered_of_files_that_are_gone_or_cant_be_written_down(root: Path) -> None:
    """A line is a file."""
    for odd in ("gone.h", "new\nline.h"):
        if odd != "gone.h":
            (root / odd).write_text("")
            os.utime(root / odd, (1, 1))
        record(
            root / "obj", root, "x", inputs=[odd], outputs=[], started=STARTED, put=put
        )  # fmt: skip
        assert not unchanged(root / "obj", root, "x")


def test_a_forgotten_build_is_not_believed(root: Path) -> None:
    """Nor one that never was."""
    assert not unchanged(root / "obj", root, "abc")
    assert recorded(root, source_time=STARTED - SECOND)
    forget(root / "obj")
    assert not unchanged(root / "obj", root, "abc")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "west-llext objects 0 x\n",
        "x\n1 2 a.c\n",
        "\0",
        "west-llext objects 1 x\nodd\n",
        "west-llext objects 1 x\n1 b a.c\n",
    ],
)
def test_a_broken_record_is_not_believed(text: str, root: Path) -> None:
    """Somebody may have edited it."""
    (root / "obj" / "objects.state").write_text(text)
    assert not unchanged(root / "obj", root, "x")
