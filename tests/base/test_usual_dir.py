# SPDX-License-Identifier: Apache-2.0
"""Where `west build` looks for a build directory (scripts/west_commands/build_helpers.py)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from west_llext.base.usual_dir import Usual, is_build_dir, usual_dir


def built(folder: Path, cache: str = "ZEPHYR_BASE:PATH=/z\n") -> Path:
    """A build directory."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "CMakeCache.txt").write_text("# cache\nA:INTERNAL=1\n" + cache, encoding="utf-8")
    return folder


def found(usual: Usual, here: Path, source: Path | None = None) -> Path | None:
    """The directory, for the application `source` (the current folder for None)."""
    place = usual_dir(usual, here=os.fspath(here), source=os.fspath(source or here))
    return None if place is None else Path(place)


def test_the_default_is_build_below_the_current_folder(tmp_path: Path) -> None:
    """Where nothing is set."""
    assert found(Usual(), tmp_path) is None
    assert found(Usual(), tmp_path) != built(tmp_path / "build")
    assert found(Usual(), tmp_path) == tmp_path / "build"


def test_the_current_folder_counts_where_it_is_one(tmp_path: Path) -> None:
    """`cd build; west flash`."""
    built(tmp_path / "build")
    assert found(Usual(), tmp_path / "build") == tmp_path / "build"


def test_the_formed_one_goes_before_the_current_folder(tmp_path: Path) -> None:
    """Zephyr's order."""
    built(tmp_path)
    assert found(Usual(), tmp_path) == tmp_path
    built(tmp_path / "build")
    assert found(Usual(), tmp_path) == tmp_path / "build"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("out/{board}", "out/mps2_an385"),
        ("out/{app}/{board}", "out/blinky/mps2_an385"),
        ("{source_dir}/build", "apps/blinky/build"),
        ("{source_dir}/b-{app}-{board}", "apps/blinky/b-blinky-mps2_an385"),
        ("a{{b}}", "a{b}"),
    ],
)
def test_names_in_the_form(form: str, expected: str, tmp_path: Path) -> None:
    """`{board}`, `{source_dir}` from the current folder on, and `{app}`, its last part."""
    usual = Usual(form=form, board="mps2_an385")
    source = tmp_path / "apps" / "blinky"
    assert found(usual, tmp_path, source) is None
    built(tmp_path / expected)
    assert found(usual, tmp_path, source) == tmp_path / expected


@pytest.mark.parametrize("inside", ["", "src"])
def test_the_application_has_no_path_from_inside_of_it(inside: str, tmp_path: Path) -> None:
    """Then `{source_dir}` is empty, and the form would be absolute: that is Zephyr's trap."""
    here = tmp_path / "app" / inside
    here.mkdir(parents=True)
    built(here / "b")
    assert found(Usual(form="{source_dir}b"), here, tmp_path / "app") == here / "b"


def test_an_application_beside_the_current_folder(tmp_path: Path) -> None:
    """Its path leads up first."""
    here = tmp_path / "other"
    here.mkdir()
    built(tmp_path / "app" / "b")
    place = found(Usual(form="{source_dir}/b"), here, tmp_path / "app")
    assert place is not None
    assert place.resolve() == (tmp_path / "app" / "b").resolve()


def test_an_absolute_form(tmp_path: Path) -> None:
    """`west config build.dir-fmt /tmp/builds/{app}`."""
    built(tmp_path / "all" / "app")
    assert (
        found(Usual(form=f"{tmp_path}/all/{{app}}"), tmp_path / "app") == tmp_path / "all" / "app"
    )


@pytest.mark.parametrize("form", ["out/{board}", "out/{nothing}", "out/{}", "{board.x}", "{0}"])
def test_a_name_that_nothing_stands_for(form: str, tmp_path: Path) -> None:
    """No directory, unless guessing is allowed and there is but one."""
    only = built(tmp_path / "out" / "mps2_an385")
    assert found(Usual(form=form), tmp_path) is None
    if form.startswith("out/"):
        assert found(Usual(form=form, guess=True), tmp_path) == only


def test_guessing_goes_down_as_long_as_there_is_one_folder(tmp_path: Path) -> None:
    """Files don't count; a second folder ends it."""
    usual = Usual(form="out/{board}/{app}", guess=True)
    assert found(usual, tmp_path) is None
    only = built(tmp_path / "out" / "mps2_an385" / "app")
    (tmp_path / "out" / "file").touch()
    assert found(usual, tmp_path) == only
    (tmp_path / "out" / "other").mkdir()
    assert found(usual, tmp_path) is None


def test_guessing_ends_in_a_circle_of_links(tmp_path: Path) -> None:
    """A link to the folder that it is in."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "loop").symlink_to(tmp_path / "out")
    assert found(Usual(form="out/{board}", guess=True), tmp_path) is None


@pytest.mark.parametrize(
    "cache", ["ZEPHYR_BASE:PATH=/z\n", "ZEPHYR_TOOLCHAIN_VARIANT:STRING=zephyr\n"]
)
def test_what_a_build_directory_is(cache: str, tmp_path: Path) -> None:
    """By two entries of CMake's cache, of which 2.2 and older have the second."""
    assert is_build_dir(os.fspath(built(tmp_path, cache)))


@pytest.mark.parametrize(
    "cache",
    ["CMAKE_HOME_DIRECTORY:INTERNAL=/x\n", "//ZEPHYR_BASE:PATH=/z\n", "MY_ZEPHYR_BASE:PATH=/z\n"],
)
def test_what_no_build_directory_is(cache: str, tmp_path: Path) -> None:
    """Another project of CMake's, or a comment."""
    assert not is_build_dir(os.fspath(built(tmp_path, cache)))


def test_what_no_folder_can_be(tmp_path: Path) -> None:
    """No traceback for names that no system takes."""
    assert not is_build_dir(f"{tmp_path}/\0")
    assert not is_build_dir("x" * 5000)
    assert found(Usual(form="\0"), tmp_path) is None
