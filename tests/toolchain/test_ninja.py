# SPDX-License-Identifier: Apache-2.0
"""Words survive ninja, the shell and response files as they are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from west_llext.toolchain.ninja import (
    UNSPEAKABLE,
    Edge,
    Host,
    command_line,
    ninja_text,
    response_text,
)
from west_llext.toolchain.process import ninja_program

RECORDER = "import json, sys; json.dump(sys.argv[2:], open(sys.argv[1], 'w'))"

NASTY = (
    "", " ", "a b", "$", "$$", "$HOME", "${x}", "$in", "`id`", "$(id)", "'", '"', "'\"'", "\\",
    "\\\\", "a\\", 'a\\"b', "a'b", ";", "&&", "|", ">", "<", "*", "?", "[a]", "~", "#", "%PATH%",
    "!", "{a,b}", "é", "\t", "a:b", "C:\\dir\\", "-x", "=", "^", "a\\ b",
)  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="the words of a POSIX host")
def test_every_word_arrives_as_it_was_written(tmp_path: Path) -> None:
    """Ninja's language and the shell's, undone by the real ones."""
    edge = Edge(
        output="out$ put.json",
        inputs=(),
        words=(sys.executable, "-c", RECORDER, "out$ put.json", *NASTY),
        description="0",
    )
    text = ninja_text([edge], folder="build $dir", host=Host.POSIX)
    (tmp_path / "build.ninja").write_text(text, encoding="utf-8")
    subprocess.run([ninja_program("")], cwd=tmp_path, check=True, capture_output=True)
    assert json.loads((tmp_path / "out$ put.json").read_text()) == list(NASTY)
    assert (tmp_path / "build $dir" / ".ninja_log").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="the words of a POSIX host")
def test_inputs_with_odd_names_are_found(tmp_path: Path) -> None:
    """Paths in a build line have escapes of their own."""
    names = [each for each in NASTY if each.strip() and not set(each) & set(UNSPEAKABLE + "/\\")]
    for name in names:
        (tmp_path / name).write_text("")
    edge = Edge(output="out", inputs=tuple(names), words=("touch", "out"), description="0")
    text = ninja_text([edge], folder=".", host=Host.POSIX)
    (tmp_path / "build.ninja").write_text(text, encoding="utf-8")
    subprocess.run([ninja_program("")], cwd=tmp_path, check=True, capture_output=True)
    done = subprocess.run(
        [ninja_program("")], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert done.stdout == "ninja: no work to do.\n"


@given(st.lists(st.text(alphabet=st.sampled_from("ab \\\"'\t"), max_size=8), max_size=4))
def test_windows_takes_its_command_lines_apart_again(words: list[str]) -> None:
    """CommandLineToArgvW: 2n backslashes before a quote are n, and one more makes it data."""
    assert taken_apart(command_line(["prog", *words], Host.WINDOWS)) == ["prog", *words]


@given(st.lists(st.text(alphabet=st.sampled_from("ab \\\"'\t$"), max_size=8), max_size=4))
@settings(max_examples=200)
def test_response_files_are_taken_apart_again(words: list[str]) -> None:
    """GNU's rules (libiberty, buildargv): a backslash makes the next character data."""
    assert gnu_words(response_text(words)) == words


def test_a_command_that_is_too_long_goes_through_a_file() -> None:
    """Only the words that may; the limit is the host's."""
    words = ("ld", "-r", "-o", "out", *(f"{'x' * 50}{index}.o" for index in range(1000)))
    edge = Edge(output="out", inputs=(), words=words, response=1000, description="0")
    windows = ninja_text([edge], folder=".", host=Host.WINDOWS)
    posix = ninja_text([edge], folder=".", host=Host.POSIX)
    assert "  words = ld -r -o out @out.rsp\n" in windows
    assert "build out: run_long\n" in windows
    assert "build out: run\n" in posix


def taken_apart(line: str) -> list[str]:
    """Arguments by the rules of CommandLineToArgvW, without its rule for doubled quotes."""
    words: list[str] = []
    word, quoted, started, index = "", False, False, 0
    while index < len(line):
        if line[index] == "\\":
            end = index
            while end < len(line) and line[end] == "\\":
                end += 1
            count, index, started = end - index, end, True
            if index < len(line) and line[index] == '"':
                word += "\\" * (count // 2)
                if count % 2:
                    word += '"'
                    index += 1
            else:
                word += "\\" * count
        elif line[index] == '"':
            quoted, started, index = not quoted, True, index + 1
        elif line[index] in " \t" and not quoted:
            if started:
                words.append(word)
            word, started, index = "", False, index + 1
        else:
            word, started, index = word + line[index], True, index + 1
    return [*words, word] if started else words


def gnu_words(text: str) -> list[str]:
    """Arguments in a response file by GNU's rules."""
    words: list[str] = []
    word, quote, started, index = "", "", False, 0
    while index < len(text):
        each = text[index]
        if each == "\\":
            word, started, index = word + text[index + 1], True, index + 1
        elif quote and each == quote:
            quote = ""
        elif not quote and each in "'\"":
            quote, started = each, True
        elif not quote and each.isspace():
            if started:
                words.append(word)
            word, started = "", False
        else:
            word, started = word + each, True
        index += 1
    return [*words, word] if started else words
