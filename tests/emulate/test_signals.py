# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C while the emulator runs: it ends the run, whatever is on the stack just then."""

from __future__ import annotations

import inspect
import itertools
import signal
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from support.emulated import CODE, image, target, thumb

from west_llext.emulate import engine
from west_llext.emulate.limits import Limits
from west_llext.emulate.result import Result
from west_llext.emulate.standin import Kind, StandIn

pytest.importorskip("unicorn")

ENTRY = CODE | 1
BX_LR, B_SELF = 0x4770, 0xE7FE


@pytest.fixture
def where() -> Iterator[list[str]]:
    """Functions that were running when Python's handler of Ctrl-C was called."""
    found: list[str] = []

    def handler(_number: int, _frame: object) -> None:
        found.extend(each.function for each in inspect.stack())
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handler)
    yield found
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_in_the_emulator_comes_out_of_the_run(
    where: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a callback it would be printed, and the loop would go on to its limit."""
    clock = itertools.count()

    def monotonic() -> int:
        now = next(clock)
        if now == 3:
            signal.raise_signal(signal.SIGINT)
        return now

    monkeypatch.setattr(engine, "time", SimpleNamespace(monotonic=monotonic))
    made = target(image(thumb(B_SELF)), limits=Limits(seconds=1000))
    with pytest.raises(KeyboardInterrupt):
        made.call(ENTRY)
    assert (next(clock), "_block" in where, "call" in where) == (4, False, True)
    assert made.call(ENTRY).fault is not None


def test_an_interrupt_in_a_stand_in_ends_what_it_waits_for(where: list[str]) -> None:
    """It is raised there at once: somebody's function may wait for an answer."""
    made = target(image(thumb(BX_LR)))
    seen: list[str] = []

    def waits(_host: object) -> int:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            seen.append("interrupted")
            raise
        return 0

    made.stand_in(StandIn(name="entry", parameters=(), result=Kind.VOID, function=waits))
    with pytest.raises(KeyboardInterrupt):
        made.call(ENTRY)
    assert (seen, "waits" in where) == (["interrupted"], True)


def test_handlers_are_as_before_behind_a_run(where: list[str]) -> None:
    """Whatever comes later isn't the emulator's."""
    before = signal.getsignal(signal.SIGINT)
    assert target(image(thumb(BX_LR))).call(ENTRY).fault is None
    assert (signal.getsignal(signal.SIGINT), where) == (before, [])


def test_code_runs_in_any_thread() -> None:
    """Only the first one has signals."""
    made = target(image(thumb(0x2005, BX_LR)))
    results: list[Result] = []
    thread = threading.Thread(target=lambda: results.append(made.call(ENTRY)))
    thread.start()
    thread.join()
    assert [each.value for each in results] == [5]
