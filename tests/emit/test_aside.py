# SPDX-License-Identifier: Apache-2.0
"""Contents that wait until all of them may be put in their places."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from west_llext.diagnostics import LlextError, MissingError
from west_llext.emit.aside import aside
from west_llext.emit.outputs import Changes, Outputs

FOLDER = Path(".west-llext") / "linked"


def listing(folder: Path) -> list[str]:
    """Names of what waits."""
    return sorted(each.name for each in (folder / FOLDER).iterdir())


def test_what_waits_is_put_in_its_place_with_the_others(tmp_path: Path) -> None:
    """Together with contents that were handed on."""
    with aside(tmp_path) as waiting:
        ready = waiting.ready("a.llext", b"blob")
        assert ready.digest == hashlib.sha256(b"blob").hexdigest()
        assert len(listing(tmp_path)) == 1
        assert not (tmp_path / "a.llext").exists()
        outputs = Outputs(tmp_path)
        outputs.add("a.llext", ready)
        outputs.add("b.map", "text\n")
        assert outputs.commit() == Changes(written=("a.llext", "b.map"))
    assert (tmp_path / "a.llext").read_bytes() == b"blob"
    assert listing(tmp_path) == []


def test_what_is_in_its_place_already_is_not_written(tmp_path: Path) -> None:
    """The file keeps its time stamp."""
    (tmp_path / "a.llext").write_bytes(b"blob")
    os.utime(tmp_path / "a.llext", ns=(1, 1))
    with aside(tmp_path) as waiting:
        ready = waiting.ready("a.llext", b"blob")
        assert ready.aside is None
        outputs = Outputs(tmp_path)
        outputs.add("a.llext", ready)
        assert outputs.commit() == Changes(untouched=1)
    assert (tmp_path / "a.llext").stat().st_mtime_ns == 1


def test_what_is_in_its_place_is_found_under_another_spelling(tmp_path: Path) -> None:
    """Where the system takes both for one file; elsewhere it is another one."""
    (tmp_path / "A.llext").write_bytes(b"blob")
    same = (tmp_path / "a.llext").exists()
    with aside(tmp_path) as waiting:
        assert (waiting.ready("a.llext", b"blob").aside is None) is same


def test_what_is_in_its_place_in_a_folder_is_not_written(tmp_path: Path) -> None:
    """As it is for those at the top."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.llext").write_bytes(b"blob")
    with aside(tmp_path) as waiting:
        assert waiting.ready("deep/a.llext", b"blob").aside is None
        assert waiting.ready("deep/b.llext", b"blob").aside is not None


def test_nothing_stays_behind(tmp_path: Path) -> None:
    """Neither of a build that fails, nor of one that was killed."""
    with pytest.raises(KeyError), aside(tmp_path) as waiting:  # noqa: PT012
        waiting.ready("a.llext", b"blob")
        raise KeyError
    assert listing(tmp_path) == []
    (tmp_path / FOLDER / "123-1").write_bytes(b"left")
    with aside(tmp_path):
        assert listing(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_nothing_is_removed_behind_a_link(tmp_path: Path) -> None:
    """A folder that leads elsewhere is refused before anything is touched."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    output = tmp_path / "out"
    (output / FOLDER).parent.mkdir(parents=True)
    (output / FOLDER).symlink_to(elsewhere)
    with pytest.raises(LlextError) as caught, aside(output):
        pass
    assert str(caught.value) == (
        f"{output}/.west-llext/linked: error[O002]: output folder '.west-llext/linked' leads out "
        f"of '{output}' by a link\n"
        "hint: remove the symbolic link"
    )
    assert (elsewhere / "precious").exists()


def test_a_folder_that_cannot_be_written_is_a_finding(tmp_path: Path) -> None:
    """With the reason of the system."""
    (tmp_path / "out").touch()
    with pytest.raises(MissingError) as caught, aside(tmp_path / "out"):
        pass
    assert [each.code for each in caught.value.diagnostics] == ["O001"]
