# SPDX-License-Identifier: Apache-2.0
"""The benchmarks: what is run against what, and which figures come of it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import gnu, quickstart
from benchmarks.bench import Bench
from benchmarks.compare import compared
from benchmarks.machines import machines
from benchmarks.memory import Peak, peak
from benchmarks.processes import Command, Series, interleaved
from benchmarks.result import Figure, Result, ratios
from benchmarks.workload import Workload, subset, workload

_MEGABYTE = 1_000_000


def cold(given: Bench) -> Result:
    """All extensions from prebuilt objects, nothing there before."""
    size, load = given.size, given.load
    commands = [given.built(load, size.jobs), given.linked(load, size.jobs)]
    series = interleaved([*commands, given.started(load, size.jobs)], size.rounds)
    equal = compared(load.names, load.folder / load.output, given.ld_output(load))
    return Result(
        name="cold",
        title="prebuilt objects to prelocated blobs, in a new process and a new folder",
        series=series,
        figures=ratios(series[0], series[1], size.goal(0.6)),
        notes=(
            equal,
            "'true' does nothing: what xargs and the starts of processes cost, a part of ld's time",
        ),
    )


def unchanged(given: Bench) -> Result:
    """Builds that have nothing to do."""
    size, load = given.size, given.load
    few = subset(load, min(10, size.extensions))
    sample = quickstart.command(given.folder, given.product)
    ours = [given.again(load), given.again(few), *([sample] if sample else [])]
    theirs = _ninja(given)
    series = interleaved(
        [given.product.empty(given.folder), *ours, *([theirs] if theirs else [])],
        size.short_rounds,
    )
    figures = [Figure(name=series[1].label, value=series[1].median, unit="s", goal=size.goal(0.3))]
    figures += [_above(each, series[0], goal=size.goal(60.0)) for each in series[2 : len(ours) + 1]]
    figures += ratios(series[1], series[-1]) if theirs else []
    notes = ["above: median of the differences to 'python -c pass' in the same round"]
    notes += ["west-llext compares the contents of files, ninja their times"] if theirs else []
    notes += [] if sample else ["the quickstart is missing: its base image can't be built here"]
    return Result(
        name="unchanged", title="nothing to do", series=series, figures=figures, notes=notes
    )


def check(given: Bench) -> Result:
    """`check`, which links everything and writes nothing."""
    size, load = given.size, given.load
    series = interleaved([given.checked(load), given.linked(load, size.jobs)], size.rounds)
    return Result(
        name="check",
        title="check of the manifest and every link",
        series=series,
        figures=ratios(series[0], series[1]),
    )


def memory(given: Bench) -> Result:
    """The most memory that everything together takes, with a larger base image."""
    size = given.size
    load = workload(given.folder / "large", size.extensions, size.many_symbols)
    commands = [given.built(load, size.jobs), given.built(load, 1), given.checked(load)]
    found = [peak(each) for each in [*commands, _just_symbols(given, load)]]
    labels = [*(each.label for each in commands), "one ld -R base image"]
    goals = [size.goal(150.0), None, None, None]
    return Result(
        name="memory",
        title=f"most memory, with a base image of {size.many_symbols} symbols",
        figures=[
            Figure(name=label, value=each.together / _MEGABYTE, unit="MB", goal=goal)
            for label, each, goal in zip(labels, found, goals, strict=True)
        ],
        notes=[
            "all processes together: sum of their proportional set sizes at one time",
            *map(_peak_note, labels, found),
        ],
    )


def growth(given: Bench) -> Result:
    """From few extensions to many, one process at a time."""
    size = given.size
    counts = sorted({max(1, size.extensions // part) for part in (100, 10, 1)})
    loads = [subset(given.load, count) for count in counts]
    commands = [given.built(each, 1) for each in loads]
    commands += [given.linked(each, 1) for each in loads]
    series = interleaved(commands, size.rounds)
    ours, theirs = series[: len(counts)], series[len(counts) :]
    return Result(
        name="growth",
        title="processor time of each further extension, one process at a time",
        series=series,
        figures=[*_slopes("west-llext", ours, counts), *_slopes("ld", theirs, counts)],
        notes=("linear where the figures of a side are the same",),
    )


#: What can be asked for by name.
CASES: Mapping[str, Callable[[Bench], Result]] = {
    "cold": cold,
    "unchanged": unchanged,
    "check": check,
    "memory": memory,
    "growth": growth,
    "machines": machines,
}


def _above(series: Series, empty: Series, *, goal: float | None) -> Figure:
    extra = [run.wall - none.wall for run, none in zip(series.runs, empty.runs, strict=True)]
    value = statistics.median(extra) * 1000
    return Figure(name=f"{series.label}, above", value=value, unit="ms", goal=goal)


def _slopes(side: str, series: Sequence[Series], counts: Sequence[int]) -> list[Figure]:
    found = []
    for index in range(1, len(counts)):
        more = counts[index] - counts[index - 1]
        extra = series[index].cpu - series[index - 1].cpu
        name = f"{side}, from {counts[index - 1]} to {counts[index]}"
        found.append(Figure(name=name, value=extra / more * 1000, unit="ms"))
    return found


def _just_symbols(given: Bench, load: Workload) -> Command:
    # the places are those of the other workload: they don't depend on the base image
    words = gnu.just_symbols(given.load, load.base, given.folder)
    return Command(
        label="ld -R", words=words, folder=given.folder, environment=given.product.environment
    )


def _peak_note(label: str, found: Peak) -> str:
    return (
        f"{label}: at most {found.processes} at a time, {found.largest / _MEGABYTE:.1f} MB"
        f" the largest by itself; {found.samples} samples"
    )


def _ninja(given: Bench) -> Command | None:
    # the same links by ninja; None where it isn't there
    try:
        import ninja  # noqa: PLC0415  # a dependency of the product, not of this
    except ImportError:
        return None
    text = gnu.ninja_file(given.links, given.folder / "ninja")
    (given.folder / "build.ninja").write_text(text, encoding="utf-8")
    return Command(
        label=f"ninja again, {len(given.load.names)} x ld",
        words=[str(Path(ninja.BIN_DIR, "ninja"))],
        folder=given.folder,
        environment=given.product.environment,
    )
