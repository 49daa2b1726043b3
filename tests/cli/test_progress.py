# SPDX-License-Identifier: Apache-2.0
"""The line that shows progress: one, rewritten, on terminals only."""

from __future__ import annotations

import io

import pytest

from west_llext.cli import console as module
from west_llext.cli.console import Console


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def watched(err: io.StringIO, environment: dict[str, str] | None = None) -> Console:
    """A console that shows progress, if it can."""
    console = Console(io.StringIO(), err, environment or {})
    console.watch()
    return console


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every state is shown."""
    monkeypatch.setattr(module, "_INTERVAL", 0)


def test_the_line_is_rewritten_and_taken_away() -> None:
    """A shorter text leaves nothing of a longer one."""
    err = Terminal()
    console = watched(err)
    console.progress("compiling long_name.c", 1, 10)
    console.progress("merging x", 2, 10)
    console.write("done\n", "")
    first, second = "[1/10] compiling long_name.c", "[2/10] merging x"
    expected = f"\r{first}\r{second.ljust(len(first))}\r{' ' * len(second)}\r"
    assert err.getvalue() == expected


@pytest.mark.parametrize(
    ("err", "environment"),
    [(io.StringIO(), {}), (Terminal(), {"TERM": "dumb"})],
    ids=["pipe", "dumb"],
)
def test_nothing_is_shown_where_nobody_sees_it(
    err: io.StringIO, environment: dict[str, str]
) -> None:
    """Logs stay clean."""
    console = watched(err, environment)
    console.progress("compiling a.c", 1, 2)
    console.write("", "")
    assert err.getvalue() == ""


def test_a_name_can_not_leave_the_line() -> None:
    """Neither with a line end nor with an escape."""
    err = Terminal()
    watched(err).progress("compiling a\x1b[2J.c\nb", 1, 2)
    assert err.getvalue() == "\r[1/2] compiling a?[2J.c"


def test_a_terminal_that_goes_away_stops_nothing() -> None:
    """Progress is of no interest then."""

    class Gone(Terminal):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    console = watched(Gone())
    console.progress("compiling a.c", 1, 2)
    console.progress("compiling b.c", 2, 2)
    console.done()


def test_states_that_follow_too_fast_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing a thousand lines would take longer than the work; the last one is always shown."""
    monkeypatch.setattr(module, "_INTERVAL", 3600)
    err = Terminal()
    console = watched(err)
    for number in range(1, 101):
        console.progress("linking", number, 100)
    assert err.getvalue() == "\r[1/100] linking\r[100/100] linking"
