# SPDX-License-Identifier: Apache-2.0
"""Builds that are killed or interrupted: outputs are whole, old or new, and nothing stays behind.

The environment variable WEST_LLEXT_KILLS says how many builds are killed (default: 200).
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from support.interrupted import Running, appeared
from support.sample import Sample
from support.workshop import Buildable, Part, Workshop, listing

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")

Samples = Callable[[str], Sample]

KILLS = int(os.environ.get("WEST_LLEXT_KILLS", "200"))
#: How they are shared out: most of them to the builds that take the least time.
FEW, MANY, COMPILED = KILLS - 2 * (KILLS // 5), KILLS // 5, KILLS // 5

SLOW_STEP = """
from west_llext.app.session import Session
step = Session.{step}
def slow(self, *arguments):
    with open("started", "w"):
        time.sleep({seconds})
    return step(self, *arguments)
Session.{step} = slow
"""
SUICIDE = """
from west_llext.app.session import Session
first = os.getpid()
step = Session.resolve
def fatal(self, *arguments):
    if os.getpid() != first and self.tasks[0].extension.name == "e30":
        {deed}
    return step(self, *arguments)
Session.resolve = fatal
"""


def many(folder: Path, count: int = 60) -> Workshop:
    """Extensions; from some dozens on processes share the work."""
    parts = [Part(name=f"e{number}", code=20 + number % 7 * 12) for number in range(count)]
    return Workshop(folder, parts)


def other(parts: list[Part]) -> list[Part]:
    """The same extensions with other contents; the last one is larger."""
    changed = [replace(each, seed=1) for each in parts]
    return [*changed[:-1], replace(changed[-1], code=400)]


def assert_whole(
    found: Mapping[str, bytes], old: Mapping[str, bytes], new: Mapping[str, bytes]
) -> None:
    """Every file of one build or the other is there, and as one of the two left it."""
    assert found.keys() == old.keys() == new.keys()
    wrong = [name for name, data in found.items() if data not in (old[name], new[name])]
    assert wrong == []


def killed(made: Buildable, versions: list[Callable[[], None]], rounds: int, seed: int) -> int:
    """Kill builds from one version to the other; how many of them had not come to their end.

    Each time everything is whole, and the next build leads to the new version.
    """
    outputs = []
    took = 60.0
    for version in (*versions, versions[0]):
        version()
        start = time.monotonic()
        done = Running("-j2", folder=made.root, environment=made.environment)
        assert done.ended() == (0, "")
        took = min(took, time.monotonic() - start)
        outputs.append(made.outputs())
    assert outputs[0] == outputs.pop()
    moments = random.Random(seed)  # noqa: S311 (moments, not secrets)
    stopped = 0
    for number in range(rounds):
        old, new = number % 2, (number + 1) % 2
        versions[new]()
        build = Running("-j2", folder=made.root, environment=made.environment)
        time.sleep(moments.uniform(0.2, 1) * took)
        build.kill()
        stopped += build.ended()[0] != 0
        assert_whole(made.outputs(), outputs[old], outputs[new])
        made.build()
        assert made.outputs() == outputs[new]
        assert not build.left_behind()
    return stopped


@pytest.mark.parametrize(("count", "rounds"), [(6, FEW), (60, MANY)], ids=["few", "many"])
def test_killed_links_leave_whole_files(count: int, rounds: int, tmp_path: Path) -> None:
    """At random moments: while objects are read, in workers, while files are written."""
    made = many(tmp_path, count)
    first, second = made.parts, other(made.parts)

    def to(parts: list[Part]) -> None:
        made.parts = parts
        made.write()

    stopped = killed(made, [lambda: to(first), lambda: to(second)], rounds, count)
    assert stopped >= rounds // 5


@pytest.mark.cross
def test_killed_compilations_leave_whole_files(sample_of: Samples) -> None:
    """Also the objects: what compilers were writing when their build died is made again."""
    sample = sample_of("gcc")
    source = sample.root / "src" / "fir.c"
    text = source.read_text(encoding="utf-8")

    def to(factor: int) -> None:
        source.write_text(text.replace("sum * 10", f"sum * {factor}"), encoding="utf-8")

    stopped = killed(sample, [lambda: to(10), lambda: to(11)], COMPILED, 2)
    assert stopped >= COMPILED // 5


def test_a_killed_worker_is_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    """As when memory runs out: said plainly, with a remedy, and no process stays."""
    made = many(tmp_path)
    made.build()
    made.parts = other(made.parts)
    made.write()
    before = made.outputs()
    build = Running(
        "-j2", folder=tmp_path, before=SUICIDE.format(deed="os.kill(os.getpid(), signal.SIGKILL)")
    )
    expected = (
        "west-llext: error[T022]: the process that linked extensions 'e30' to 'e59' was killed by "
        "signal 9\nhint: build with '-j 1', which takes less memory\n1 error\n"
    )
    assert build.ended() == (3, expected)
    assert before == made.outputs()
    assert not build.left_behind()


def test_a_worker_that_ends_by_itself_is_an_error(tmp_path: Path) -> None:
    """Whatever library may do that."""
    made = many(tmp_path)
    made.write()
    build = Running("-j2", folder=tmp_path, before=SUICIDE.format(deed="os._exit(5)"))
    status, err = build.ended()
    assert (status, "extensions 'e30' to 'e59' ended with status 5" in err) == (3, True)


def test_a_bug_in_a_worker_shows_its_traceback(tmp_path: Path) -> None:
    """With the line in the worker, which the one in the parent says nothing of."""
    made = many(tmp_path)
    made.write()
    build = Running("-j2", folder=tmp_path, before=SUICIDE.format(deed="raise KeyError('odd')"))
    status, err = build.ended()
    assert status == 1
    assert "KeyError: 'odd'" in err
    assert "in fatal" in err
    assert not build.left_behind()


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
@pytest.mark.parametrize("step", ["open", "resolve", "finish"])
def test_an_interrupted_link_ends_at_once_and_writes_nothing(
    step: str, jobs: str, tmp_path: Path
) -> None:
    """In this process or in workers: no traceback, no zombie, no file."""
    made = many(tmp_path)
    made.build()
    made.parts = other(made.parts)
    made.write()
    before = made.outputs()
    build = Running(jobs, folder=tmp_path, before=SLOW_STEP.format(step=step, seconds=60))
    assert appeared(tmp_path / "started")
    start = time.monotonic()
    build.interrupt()
    assert build.ended() == (130, "")
    assert time.monotonic() - start < 5
    assert not build.left_behind()
    assert before == made.outputs()


def test_workers_end_when_their_build_is_killed(tmp_path: Path) -> None:
    """They notice when they have something to say, and say nothing."""
    made = many(tmp_path)
    made.write()
    build = Running("-j2", folder=tmp_path, before=SLOW_STEP.format(step="open", seconds=0.5))
    assert appeared(tmp_path / "started")
    build.kill()
    assert build.ended()[1] == ""
    assert not build.left_behind()


@pytest.mark.cross
@pytest.mark.parametrize("all_at_once", [True, False], ids=["group", "parent"])
def test_an_interrupted_compilation_ends_at_once(*, all_at_once: bool, sample_of: Samples) -> None:
    """Compilers end with the build, be it Ctrl-C or a signal to the build alone."""
    sample = sample_of("gcc")
    started = sample.root / "started"
    slow = sample.root / "slow.py"
    slow.write_text(
        f"#!{sys.executable}\nimport time\nopen({str(started)!r}, 'w').close()\ntime.sleep(60)\n",
        encoding="utf-8",
    )
    slow.chmod(0o755)
    text = sample.manifest.read_text(encoding="utf-8")
    text = text.replace("  toolchain:\n", "  toolchain:\n    launcher: [./slow.py]\n")
    sample.manifest.write_text(text, encoding="utf-8")
    before = sample.outputs()
    build = Running(folder=sample.root)
    assert appeared(started)
    start = time.monotonic()
    if all_at_once:
        build.interrupt()
    else:
        build.process.send_signal(2)
    assert build.ended() == (130, "")
    assert time.monotonic() - start < 5
    assert not build.left_behind()
    assert before == sample.outputs()
    assert [each for each in listing(sample.root) if each.endswith(".tmp")] == []
