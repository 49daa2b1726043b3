# SPDX-License-Identifier: Apache-2.0
"""What a benchmark found, as records, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.processes import Series

#: Of the JSON.
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number.

    goal: the most that it should be; None where there is no goal for it, or none at this size
    """

    name: str
    value: float
    unit: str
    goal: float | None = None

    @property
    def verdict(self) -> str:
        """`reached`, `missed`, or nothing without a goal."""
        if self.goal is None:
            return ""
        return "reached" if self.value <= self.goal else "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one benchmark found.

    notes: what a reader has to know of this run
    """

    name: str
    title: str
    series: Sequence[Series] = ()
    figures: Sequence[Figure] = ()
    notes: Sequence[str] = ()


def ratios(ours: Series, theirs: Series, goal: float | None = None) -> list[Figure]:
    """Ours divided by theirs: of medians, which has the goal, of minima and of processor time."""
    name = f"{ours.label} / {theirs.label}"
    return [
        Figure(name=f"{name}, medians", value=ours.median / theirs.median, unit="", goal=goal),
        Figure(name=f"{name}, minima", value=ours.least / theirs.least, unit=""),
        Figure(name=f"{name}, processor time", value=ours.cpu / theirs.cpu, unit=""),
    ]


def text(result: Result) -> str:
    """A result for people."""
    lines = [f"{result.name}: {result.title}"]
    if result.series:
        width = max(len(each.label) for each in result.series)
        lines.append(f"  {'':{width}}  {'median':>9} {'min':>9} {'cpu':>9} {'runs':>5}")
        lines += [
            f"  {each.label:{width}}  {each.median:7.3f} s {each.least:7.3f} s {each.cpu:7.3f} s"
            f" {len(each.runs):5}"
            for each in result.series
        ]
    width = max((len(each.name) for each in result.figures), default=0)
    lines += [_figure(each, width) for each in result.figures]
    lines += [f"  {note}" for note in result.notes]
    return "\n".join([*lines, ""])


def _figure(figure: Figure, width: int) -> str:
    goal = "" if figure.goal is None else f"  goal {figure.goal:g}: {figure.verdict}"
    return f"  {figure.name:{width}}  {figure.value:9.3f} {figure.unit:4}{goal}".rstrip()


def document(results: Sequence[Result], surroundings: Mapping[str, object]) -> Mapping[str, object]:
    """All results as JSON.

    surroundings: keys that say what was measured, where and when
    """
    return {
        "schema": SCHEMA,
        **surroundings,
        "results": [
            {
                "name": each.name,
                "title": each.title,
                "series": [_series(one) for one in each.series],
                "figures": [
                    {
                        "name": one.name,
                        "value": round(one.value, 4),
                        "unit": one.unit,
                        "goal": one.goal,
                        "verdict": one.verdict,
                    }
                    for one in each.figures
                ],
                "notes": list(each.notes),
            }
            for each in results
        ],
    }


def _series(series: Series) -> Mapping[str, object]:
    return {
        "label": series.label,
        "median_s": round(series.median, 4),
        "min_s": round(series.least, 4),
        "cpu_s": round(series.cpu, 4),
        "runs": [{"wall_s": round(run.wall, 4), "cpu_s": round(run.cpu, 4)} for run in series.runs],
    }
