# SPDX-License-Identifier: Apache-2.0
"""Which output paths are taken, and what is said of the others."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from west_llext.emit.names import MAX_COMPONENT, path_problem, same_file_key


@pytest.mark.parametrize(
    "path",
    [
        "filters.llext",
        "llext_exports.c",
        "maps/filters.map",
        "a/b/c/d.e.f",
        "_x-y+z.bin",
        "größe.map",
        "context.map",
        "com10.bin",
        "x" * MAX_COMPONENT,
        "with space.map",
        ".hidden",
    ],
)
def test_ordinary_paths_are_taken(path: str) -> None:
    """Names may have dots, dashes, spaces inside and letters of any language."""
    assert path_problem(path) is None


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", "is empty"),
        ("/etc/passwd", "is absolute"),
        ("C:/x", "has the drive letter 'C:'"),
        ("c:x", "has the drive letter 'c:'"),
        ("../x", "leaves the output folder"),
        ("a/../../x", "leaves the output folder"),
        ("a//b", "has an empty component"),
        ("a/", "has an empty component"),
        ("./a", "has the component '.'"),
        ("a\\b", "holds the character '\\\\', which some systems don't allow"),
        ("a\0b", "holds the character '\\x00', which some systems don't allow"),
        ("a\nb", "holds the character '\\n', which some systems don't allow"),
        ("ab:c", "holds the character ':', which some systems don't allow"),
        ("what?", "holds the character '?', which some systems don't allow"),
        ("a.", "has the component 'a.' with a dot or space last"),
        ("a /b", "has the component 'a ' with a dot or space last"),
        ("nul", "has the component 'nul', which is a device on Windows"),
        ("x/COM1.map", "has the component 'COM1.map', which is a device on Windows"),
        ("lpt².x", "has the component 'lpt².x', which is a device on Windows"),
        ("con .map", "has the component 'con .map', which is a device on Windows"),
        (".west-llext/outputs.txt", "is in '.west-llext', which the tool keeps for itself"),
        (".West-LLEXT/x", "is in '.west-llext', which the tool keeps for itself"),
        ("\ud800", "isn't valid Unicode"),
        ("x" * 201, "has a component of 201 bytes, more than 200"),
        ("ß" * 101, "has a component of 202 bytes, more than 200"),
    ],
)
def test_a_path_that_some_system_would_not_take_is_refused(path: str, problem: str) -> None:
    """Win32 "Naming Files, Paths, and Namespaces"; everything else is our own caution."""
    assert problem == path_problem(path)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_a_path_that_is_taken_stays_below_the_folder(path: str) -> None:
    """Whatever the text: joined to a folder it is inside of it, for POSIX and for Windows."""
    if path_problem(path) is None:
        posix = PurePosixPath("/out") / path
        windows = PureWindowsPath("C:/out") / path
        assert PurePosixPath("/out") in posix.parents
        assert PureWindowsPath("C:/out") in windows.parents
        assert ".." not in (*posix.parts, *windows.parts)
        assert not PureWindowsPath(path).drive


@settings(deadline=None)
@given(st.from_regex(r"[A-Za-z0-9_+.-]{1,12}(/[A-Za-z0-9_+.-]{1,12}){0,2}", fullmatch=True))
def test_the_quick_answer_is_the_slow_answer(path: str) -> None:
    """One pattern accepts usual names at once; it accepts nothing that the rules refuse."""
    from west_llext.emit import names

    components = path.split("/")
    slow = [names._path_problem(path, components), *map(names._component_problem, components)]
    assert next(filter(None, slow), None) == path_problem(path)


def test_paths_that_differ_in_case_or_unicode_form_are_the_same_file() -> None:
    """Windows and macOS ignore case, macOS the Unicode normalization form."""
    assert same_file_key("Filters.map") == same_file_key("filters.MAP")
    assert same_file_key("gr\u00f6\u00dfe") == same_file_key("gro\u0308SSE")
    assert same_file_key("a") != same_file_key("b")
