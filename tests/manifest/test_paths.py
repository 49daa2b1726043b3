# SPDX-License-Identifier: Apache-2.0
"""Where manifests are found, and which files they may name."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.manifests import complaints, read

from west_llext.diagnostics import ExitStatus, MissingError
from west_llext.manifest.load import find, manifest

ONE = "version: 1\nextensions: [{name: a, sources: ['%s']}]\n"


def refused(folder: Path, path: str) -> bool:
    """Whether a manifest in `folder` may not name that path."""
    folder.mkdir(parents=True, exist_ok=True)
    text = complaints(folder, ONE % path)
    assert text == "" or "error[M050]: path" in text
    return text != ""


def test_without_a_workspace_paths_stay_in_the_folder_of_the_manifest(tmp_path: Path) -> None:
    """There is no telling how far up is too far."""
    app = tmp_path / "app"
    assert not refused(app, "src/../a.c")
    assert refused(app, "../a.c")


def test_git_repository_is_a_workspace(tmp_path: Path) -> None:
    """The nearest one; its parent is outside."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    app = tmp_path / "repo" / "app" / "ext"
    assert not refused(app, "../../a.c")
    assert refused(app, "../../../a.c")


def test_submodule_is_a_workspace_too(tmp_path: Path) -> None:
    """There, `.git` is a file."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / ".git").write_text("gitdir: ../.git/modules/sub\n")
    assert refused(tmp_path / "sub" / "ext", "../../a.c")


def test_west_workspace_goes_before_the_git_repositories_inside_of_it(tmp_path: Path) -> None:
    """Zephyr, modules and the build directory lie beside the application."""
    (tmp_path / ".west").mkdir()
    (tmp_path / "app" / ".git").mkdir(parents=True)
    app = tmp_path / "app" / "ext"
    assert not refused(app, "../../zephyr/include/zephyr/kernel.h")
    assert refused(app, "../../../a.c")


def test_way_there_may_not_leave_the_workspace_either(tmp_path: Path) -> None:
    """Out and in again is out: the name of the workspace's own folder is chance."""
    assert refused(tmp_path / "app", f"../{tmp_path.name}/a.c")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "C:/x.c", "c:x.c", r"\\server\x.c", "//server/x.c", r"\x.c", "~/x.c"]
)
def test_absolute_paths_are_refused_on_every_system(tmp_path: Path, path: str) -> None:
    """A manifest that Windows would take for absolute isn't relative on Linux."""
    assert refused(tmp_path, path)


def test_outside_can_be_allowed(tmp_path: Path) -> None:
    """Then the path is taken as it is, with forward slashes."""
    actual, _ = read(tmp_path, ONE % r"..\..\x.c", allow_outside=True)
    assert actual.extensions[0].sources[0].text == "../../x.c"
    assert actual.extensions[0].sources[0].path == tmp_path / "../../x.c"


def test_every_use_of_a_path_outside_is_reported(tmp_path: Path) -> None:
    """Not only the first of a thousand extensions."""
    text = "version: 1\ndefaults: {include-dirs: [/a]}\nextensions:\n"
    text += "  - {name: a, sources: [/a, a.c]}\n  - {name: b, sources: [/a]}\n"
    assert complaints(tmp_path, text).count("error[M050]") == 3


def test_manifest_is_found_in_the_nearest_folder(tmp_path: Path) -> None:
    """From a source folder upwards, as git and west do."""
    inner = tmp_path / "app" / "src"
    inner.mkdir(parents=True)
    (tmp_path / "llext.yml").write_text("version: 1\n")
    assert find(inner) == tmp_path / "llext.yml"
    (tmp_path / "app" / "llext.yml").write_text("version: 1\n")
    assert find(inner) == tmp_path / "app" / "llext.yml"
    (inner / "llext.yml").mkdir()
    assert find(inner) == tmp_path / "app" / "llext.yml"


def test_no_manifest_anywhere_says_what_to_do(tmp_path: Path) -> None:
    """The environment lacks something, the input isn't wrong."""
    with pytest.raises(MissingError) as caught:
        find(tmp_path)
    assert caught.value.status is ExitStatus.ENVIRONMENT
    assert str(caught.value) == (
        f"{tmp_path.as_posix()}: error[M010]: no 'llext.yml' here or in a folder above\n"
        "hint: name a manifest with '-m FILE', or make one with 'west llext init'"
    )


def test_folder_in_place_of_a_manifest_is_missing(tmp_path: Path) -> None:
    """Exit status 3, not a traceback."""
    with pytest.raises(MissingError) as caught:
        manifest(tmp_path, display=".")
    assert str(caught.value).startswith(".: error[M010]: can't read '.': ")
