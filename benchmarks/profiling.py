# SPDX-License-Identifier: Apache-2.0
"""Where the time of a build goes: by phase, by function, by import."""

from __future__ import annotations

import json
import pstats
import re
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import phases
from benchmarks.bench import Bench
from benchmarks.processes import Command, usage
from benchmarks.result import Figure, Result
from benchmarks.workload import subset

_FUNCTIONS = 40
_MODULES = 25


def profile(given: Bench) -> Result:
    """One process builds everything; and what the command line imports to do nothing."""
    build = given.built(given.load, 1)
    times, lost = _phases(given, build)
    few = subset(given.load, min(10, given.size.extensions))
    again = given.again(few)
    usage(again)
    return Result(
        name="profile",
        title=f"where the time goes: {build.label}",
        figures=[Figure(name=name, value=value, unit="ms") for name, value in times.items()],
        notes=[
            "phases: medians, without what is in them of another phase; leaving: until it is gone",
            *(f"not found, so part of rest: {each}" for each in lost),
            "",
            f"functions by their own time, in ms, under cProfile (which doubles it): {build.label}",
            *_functions(build),
            "",
            f"modules by their own time, in ms: {again.label}",
            *_modules(again),
            "",
            f"modules by their own time, in ms: {build.label}",
            *_modules(build),
        ],
    )


def _phases(given: Bench, build: Command) -> tuple[Mapping[str, float], Sequence[str]]:
    # milliseconds by phase, and points that don't exist any more
    report = given.folder / "phases.json"
    rounds = []
    lost: Sequence[str] = ()
    for _ in range(given.size.rounds):
        build.prepare()
        started = time.time_ns()
        script = [sys.executable, phases.__file__, str(report), str(started), *build.words[3:]]
        wall = usage(replace(build, words=script, prepare=_nothing)).wall
        found = json.loads(report.read_text(encoding="utf-8"))
        own = {name: value / 1e6 for name, value in found["ns"].items()}
        rounds.append(own | {"leaving": max(0.0, wall * 1000 - sum(own.values()))})
        lost = found["lost"]
    names = rounds[0]
    return {name: statistics.median(each[name] for each in rounds) for name in names}, lost


def _nothing() -> None:
    # everything is prepared already
    pass


def _functions(build: Command) -> Iterator[str]:
    stats = build.folder / "stats"
    words = [build.words[0], "-m", "cProfile", "-o", str(stats), *build.words[1:]]
    usage(replace(build, words=words))
    table: Mapping[tuple[str, int, str], tuple[int, int, float, float, object]]
    table = pstats.Stats(str(stats)).stats  # type: ignore[attr-defined]  # not in typeshed
    rows = sorted(table.items(), key=lambda item: -item[1][2])
    yield f"{'own':>8} {'total':>8} {'calls':>8}"
    for (file, line, name), (_, calls, own, total, _) in rows[:_FUNCTIONS]:
        where = f"{_short(file)}:{line} {name}" if line else name
        yield f"{own * 1000:8.1f} {total * 1000:8.1f} {calls:8} {where}"


def _short(file: str) -> str:
    # a path from the package on, or in the standard library or another package
    path = Path(file)
    parts = path.parts
    if "west_llext" in parts:
        return "/".join(parts[len(parts) - 1 - parts[::-1].index("west_llext") :])
    return "/".join(parts[-2:])


def _modules(command: Command) -> Iterator[str]:
    words = [command.words[0], "-X", "importtime", *command.words[1:]]
    usage(replace(command, words=words))
    log = (command.folder / "log.txt").read_text(encoding="utf-8")
    pattern = re.compile(r"^import time: +(\d+) \| +(\d+) \| *(\S+)$", re.MULTILINE)
    rows = [(int(own), int(total), name) for own, total, name in pattern.findall(log)]
    whole = sum(own for own, _, _ in rows) / 1000
    yield f"{'own':>8} {'total':>8}   {len(rows)} modules, {whole:.1f} ms in all"
    for own, total, name in sorted(rows, reverse=True)[:_MODULES]:
        yield f"{own / 1000:8.1f} {total / 1000:8.1f}   {name}"
