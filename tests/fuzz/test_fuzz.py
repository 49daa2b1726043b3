# SPDX-License-Identifier: Apache-2.0
"""Each target with what `make fuzz` begins with, a few changes of it, and what was a bug once."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import __main__ as command
from tests.fuzz import guard
from tests.fuzz.mutate import mutated
from tests.fuzz.target import ROOT, Target, names, regressions, target

#: Changed inputs of each target; `make fuzz` tries thousands.
FEW = 60


@pytest.mark.parametrize("name", names())
def test_the_seeds_are_good_input(name: str) -> None:
    """Or changes of them would never get far; those named odd are there for what is refused."""
    aim = target(name)
    seeds = aim.seeds()
    assert all(len(data) <= aim.longest for data in seeds.values())
    refused = [each for each, data in seeds.items() if not aim.run(data) and "odd" not in each]
    assert refused == []


@pytest.mark.parametrize("name", names())
def test_a_few_changed_inputs_break_no_promise(name: str) -> None:
    """The same ones in every run."""
    aim = target(name)
    dice = Random(name)
    inputs = list(aim.seeds().values())
    for _ in range(FEW):
        data = aim.mutate(dice.choice(inputs), dice)[: aim.longest]
        found = guard.problem(aim, data, seconds=10)
        assert found is None, f"{found.text}\n{data.hex()}"


CASES = [(name, case) for name in names() for case in regressions(name)]


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}-{case}" for name, case in CASES])
def test_what_was_a_bug_once_is_none_any_more(name: str, case: str) -> None:
    """The file's name says what was wrong."""
    found = guard.thorough_problem(target(name), regressions(name)[case])
    assert found is None, found.text


def test_the_same_seed_makes_the_same_inputs() -> None:
    """So that a run can be repeated."""
    first, second = (
        [mutated(b"some bytes of input", dice) for _ in range(200)]
        for dice in (Random("7"), Random("7"))
    )
    assert first == second
    assert len(set(first)) > 150


def broken(run: object) -> Target:
    """A target that breaks a promise."""
    return Target(name="made", seeds=dict, run=run, mutate=mutated)  # type: ignore[arg-type]


def test_an_exception_is_a_problem() -> None:
    """With the function that it came from, and the traceback."""

    def run(data: bytes) -> bool:
        return bool(data[4])

    found = guard.problem(broken(run), b"abc")
    assert found is not None
    assert (found.kind, found.place) == ("crash", "IndexError in test_fuzz.py:run")
    assert found.text.splitlines()[-1] == "IndexError: index out of range"


def test_a_slow_input_is_a_problem() -> None:
    """By the processor's time."""

    def run(data: bytes) -> bool:
        return any(each == len(data) for each in range(1, 3_000_000))

    found = guard.problem(broken(run), b"", seconds=0.001)
    assert found is not None
    assert found.kind == "slow"
    assert found.text.endswith("expected 0.001 at most")


def test_an_endless_input_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the code under test catches every exception."""
    monkeypatch.setattr(guard, "_ENDLESS", 0.05)

    def run(data: bytes) -> bool:
        while True:
            with contextlib.suppress(Exception):
                assert data == b"nothing"

    found = guard.problem(broken(run), b"")
    assert found is not None
    assert found.text.startswith("doesn't end within 0.05 s: ")


def test_an_endless_input_is_given_up_at_the_second_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first exception was caught by somebody who catches everything."""
    monkeypatch.setattr(guard, "_ENDLESS", 0.05)

    def spin() -> None:
        while time.process_time() < end:
            pass

    def run(data: bytes) -> bool:
        with contextlib.suppress(guard.EndlessError):
            spin()
        spin()
        return not data

    end = time.process_time() + 10
    found = guard.problem(broken(run), b"")
    assert found is not None
    assert found.text.startswith("doesn't end within 0.05 s: ")


def test_much_memory_is_a_problem() -> None:
    """Counted exactly, beside the size of the input."""
    found = guard.memory_problem(broken(lambda _: bool(bytes(80 << 20))), b"1234")
    assert found is not None
    assert found.text == "takes 80 MiB for 4 bytes, expected 64 at most"
    assert guard.memory_problem(broken(lambda _: bool(bytes(8 << 20))), b"1234") is None


def test_the_command_counts_and_repeats(capsys: pytest.CaptureFixture[str]) -> None:
    """A worker of its own for each target, and one line for it."""
    assert command.main(["note", "settings", "--runs", "20", "--engine", "plain", "-j", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 targets, engine plain, seed 1"
    assert [line.split()[:2] for line in lines[2:]] == [
        ["note", "20"],
        ["settings", "20"],
        ["all", "40"],
    ]
    assert [line.split()[-1] for line in lines[2:]] == ["0", "0", "0"]


def test_an_input_that_was_found_can_be_tried_again(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """With the command that a run prints."""
    (tmp_path / "input").write_bytes(b"\0nothing of a note")
    assert command.main(["note", "--replay", str(tmp_path / "input")]) == 0
    assert capsys.readouterr().out == f"note: nothing is wrong with {tmp_path / 'input'}\n"


def test_what_was_found_is_kept_out_of_git() -> None:
    """It may be large, and it is nobody's but the finder's."""
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert f"/{command.FOUND.parts[0]}/" in ignored


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing"], "there is no target 'nothing': choose of "),
        (["--replay", "x"], "--replay takes one target"),
    ],
)
def test_a_wrong_command_line_is_refused(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With status 2."""
    with pytest.raises(SystemExit) as caught:
        command.main(words)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
