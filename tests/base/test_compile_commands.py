# SPDX-License-Identifier: Apache-2.0
"""Flags out of compile_commands.json."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from west_llext.base.compile_commands import compile_words, split_command
from west_llext.diagnostics import LlextError

#: As CMake writes it for a source of an application of Zephyr's, shortened.
COMMAND = (
    '/opt/sdk/arm-zephyr-eabi-gcc -DKERNEL -DNAME=\\"x\\ y\\" -I/ws/zephyr/include -Iinclude '
    "-isystem /ws/zephyr/lib/libc/minimal/include -isystem rel -fno-strict-aliasing -Os "
    "-imacros /b/zephyr/include/generated/autoconf.h -mcpu=cortex-m3 -mthumb "
    "--param=min-pagesize=0 -D TWO=2 -include pre.h --sysroot=/opt/sdk -std=c99 -nostdinc "
    "-MD -MT main.c.obj -MF main.c.obj.d -o CMakeFiles/app.dir/src/main.c.obj -c /ws/app/src/main.c"
)
WORDS = (
    "-DKERNEL",
    '-DNAME="x y"',
    "-I/ws/zephyr/include",
    "-I/b/include",
    *("-isystem", "/ws/zephyr/lib/libc/minimal/include"),
    *("-isystem", "/b/rel"),
    "-fno-strict-aliasing",
    "-Os",
    *("-imacros", "/b/zephyr/include/generated/autoconf.h"),
    "-mcpu=cortex-m3",
    "-mthumb",
    "--param=min-pagesize=0",
    *("-D", "TWO=2"),
    *("-include", "/b/pre.h"),
    "--sysroot=/opt/sdk",
    "-std=c99",
    "-nostdinc",
)


def entry(command: str = COMMAND, file: str = "/ws/app/src/main.c", **more: Any) -> dict[str, Any]:
    """An entry of the database."""
    return {"directory": "/b", "command": command, "file": file, **more}


def words(*entries: Any, application: str | None = "/ws/app") -> tuple[str, ...] | None:
    """The flags in a database."""
    return compile_words(json.dumps(entries).encode(), "compile_commands.json", application)


def test_what_is_about_the_one_source_is_left_out() -> None:
    """Source, object, tracking of headers; relative paths start at the entry's folder."""
    assert words(entry()) == WORDS


def test_arguments_need_no_splitting() -> None:
    """The other form of an entry."""
    arguments = shlex.split(COMMAND)
    assert words(entry("", arguments=arguments)) == WORDS


def test_a_launcher_goes_with_the_compiler() -> None:
    """CMAKE_C_COMPILER_LAUNCHER."""
    assert words(entry("/usr/bin/ccache " + COMMAND)) == WORDS


def test_the_application_goes_before_others() -> None:
    """Its sources see its own headers, and what an extension can use."""
    kernel = entry("gcc -DKERNEL_ITSELF -c x.c", "/ws/zephyr/kernel/x.c")
    script = entry("gcc -DASM -c x.S", "/ws/app/x.S")
    assert words(kernel, script, entry()) == WORDS
    assert words(kernel, script) == ("-DKERNEL_ITSELF",)
    assert words(kernel, entry(), application=None) == ("-DKERNEL_ITSELF",)
    assert words(entry("gcc -DOTHER", "/ws/app2/x.c"), entry()) == WORDS


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [entry(file="/ws/app/a.cpp")],
        ["x", 1, None, [], {}],
        [{"file": "a.c"}],
        [{"file": 1, "directory": 2}],
    ],
)
def test_a_database_without_a_c_source_has_no_flags(entries: list[Any]) -> None:
    """Whatever else is in it."""
    assert words(*entries) is None


@pytest.mark.parametrize(
    ("expected", "data"),
    [
        ("it is no list", b"{}"),
        ("Expecting value: line 1 column 1 (char 0)", b"no"),
    ],
)
def test_another_file_is_refused(expected: str, data: bytes) -> None:
    """It could be damaged; what it would have said is needed."""
    with pytest.raises(LlextError) as caught:
        compile_words(data, "build/compile_commands.json", None)
    assert str(caught.value) == (
        "build/compile_commands.json: error[B032]: it isn't a compilation database: "
        f"{expected}\nhint: build the base image anew: west build --pristine"
    )


def test_nesting_ends_in_a_message() -> None:
    """Python's reader gives up."""
    with pytest.raises(LlextError):
        compile_words(b"[" * 100_000, "x", None)


@pytest.mark.parametrize(
    ("expected", "command"),
    [
        (["a", "b"], "  a   b "),
        (["a b", "c'd"], "'a b' \"c'd\""),
        (["ab", ""], "a\"b\" ''"),
        ([r"C:\sdk\gcc.exe", r"-IC:\ws\app"], r"C:\sdk\gcc.exe -IC:\ws\app"),
        ([r"C:\a b\gcc.exe"], r'"C:\a b\gcc.exe"'),
        (['-DX="y"'], r"-DX=\"y\""),
        ([r"a\b"], r"a\\b"),
        (["unclosed x"], '"unclosed x'),
    ],
)
def test_command_lines_of_two_systems(expected: list[str], command: str) -> None:
    """Quotes as a shell has them; backslashes of Windows stay."""
    assert split_command(command) == expected


@given(st.lists(st.text(st.characters(codec="ascii", exclude_characters="\\"), max_size=8)))
def test_commands_are_split_as_a_shell_splits_them(expected: list[str]) -> None:
    """The oracle quotes what Python's own module quotes."""
    assert split_command(shlex.join(expected)) == expected
