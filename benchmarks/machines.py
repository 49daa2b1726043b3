# SPDX-License-Identifier: Apache-2.0
"""How fast relocations of each machine are applied, and an object is linked.

Our links run in this process, one after the other; each of GNU ld's is a process, which is how ld
is used. All machines take their turn in every round, so that they meet the same noise.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import mixed
from benchmarks.bench import Bench
from benchmarks.compare import DifferentError
from benchmarks.processes import Command, Series, Usage, usage
from benchmarks.result import Figure, Result
from tests.support import gnuld, sameness
from tests.support.elfbuild import FUNC, OBJECT, SHN_ABS, Sym
from tests.support.linking import Case, Outcome, extension, offer
from west_llext.elf.read import object_file
from west_llext.emit.blob import blob
from west_llext.link import extension as link
from west_llext.model.manifest import Mode

#: Links in one run, of either side.
LINKS = 10
#: Where the base image has its symbols, near enough for every branch.
_BASE = 0x40000
_EM_ARM = 40


@dataclass(slots=True, kw_only=True)
class Unit:
    """An object, and what links it on both sides.

    applied: relocations in it
    relocating: processor time of applying one, by run, in seconds
    ours, theirs: runs of LINKS links
    """

    name: str
    content: bytes
    case: Case
    command: Command
    applied: int
    relocating: list[float] = field(default_factory=list)
    ours: list[Usage] = field(default_factory=list)
    theirs: list[Usage] = field(default_factory=list)

    def series(self) -> list[Series]:
        """The runs of both sides."""
        labels = f"{self.name}, {LINKS} objects", f"{self.name}, {LINKS} x ld"
        runs = tuple(self.ours), tuple(self.theirs)
        return [Series(label=each, runs=one) for each, one in zip(labels, runs, strict=True)]


def machines(given: Bench) -> Result:
    """Every machine that a compiler is installed for."""
    units, missing = _units(given.folder / "machines", given.product.environment)
    for _ in range(given.size.short_rounds):
        for each in units:
            _ours(each)
            runs = [usage(each.command) for _ in range(LINKS)]
            each.theirs.append(Usage(*map(sum, zip(*runs, strict=True))))
    notes = ["equal bytes at equal addresses, of every machine"]
    notes += (
        [f"not measured, because there is no compiler: {', '.join(missing)}"] if missing else []
    )
    return Result(
        name="machines",
        title="the same C source for each machine, prelocated",
        series=[one for each in units for one in each.series()],
        figures=list(_figures(units, given.size.goal(2.0))),
        notes=notes,
    )


def _units(folder: Path, environment: Mapping[str, str]) -> tuple[list[Unit], list[str]]:
    units, missing = [], []
    for name in mixed.TARGETS:
        own = folder / name
        own.mkdir(parents=True)
        content = mixed.compiled(own, name)
        if content is None:
            missing.append(name)
        else:
            units.append(_unit(own, name, content, environment))
    return units, missing


def _unit(folder: Path, name: str, content: bytes, environment: Mapping[str, str]) -> Unit:
    content = gnuld.unmerged(content)
    symbols = _symbols(content)
    ident = object_file(content, name).ident
    case = Case(extension=extension(mode=Mode.PRELOCATED), base=offer(symbols, ident=ident))
    made = case.link(content)
    places: Mapping[str, Any] = {
        "layout": sameness.layout(made),
        "addresses": made.addresses,
        "symbols": symbols,
    }
    theirs = gnuld.linked(folder, content, **places)
    found = sameness.matched(case, made, theirs, symbols=symbols, where=made.addresses)
    if found.different:
        raise DifferentError(f"{name}: {found.different[0]}")
    words = gnuld.prepared(folder, content, **places)
    command = Command(label=f"{name}: ld", words=words, folder=folder, environment=environment)
    applied = sum(made.linked.applied.values())
    return Unit(name=name, content=content, case=case, command=command, applied=applied)


def _symbols(content: bytes) -> list[Sym]:
    # definitions of what the object lacks; functions of Arm are Thumb
    obj = object_file(content, "unit.o")
    names = [each.name for each in obj.symbols if each.name and not each.section]
    thumb = int(obj.ident.machine == _EM_ARM)
    return [
        Sym(
            name=each,
            value=_BASE + 16 * number + (thumb if "function" in each else 0),
            type=FUNC if "function" in each else OBJECT,
            section=SHN_ABS,
        )
        for number, each in enumerate(names)
    ]


def _ours(unit: Unit) -> None:
    gc.collect()
    start, cpu = time.perf_counter(), time.process_time()
    with _relocating() as spent:
        for _ in range(LINKS):
            _link(unit)
    unit.ours.append(Usage(time.perf_counter() - start, time.process_time() - cpu))
    unit.relocating.append(sum(spent) / LINKS / unit.applied)


def _link(unit: Unit) -> Outcome:
    # from the bytes of the object to those of the blob
    made = unit.case.link(unit.content)
    blob(made.linked)
    return made


@contextmanager
def _relocating() -> Iterator[list[float]]:
    # the processor time of each call of the step that applies relocations
    spent: list[float] = []
    relocated = link.relocated

    def timed(job: Any) -> Any:
        start = time.process_time()
        try:
            return relocated(job)
        finally:
            spent.append(time.process_time() - start)

    link.relocated = timed
    try:
        yield spent
    finally:
        link.relocated = relocated


def _figures(units: Sequence[Unit], goal: float | None) -> Iterator[Figure]:
    first = median(units[0].relocating)
    for each in units:
        own = median(each.relocating)
        yield Figure(name=f"{each.name}: relocations, {each.applied}", value=1 / own, unit="/s")
        if each is not units[0]:
            name = f"{each.name}: time of a relocation / {units[0].name}'s"
            yield Figure(name=name, value=own / first, unit="", goal=goal)
        ours, theirs = each.series()
        cpu = ours.cpu / LINKS * 1000
        yield Figure(name=f"{each.name}: processor time of an object", value=cpu, unit="ms")
        ratio = ours.cpu / theirs.cpu
        yield Figure(name=f"{each.name}: the same / that of ld's process", value=ratio, unit="")
