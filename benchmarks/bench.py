# SPDX-License-Identifier: Apache-2.0
"""What all benchmarks share: how much is measured, the workload, and the commands of both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import gnu
from benchmarks.processes import Command, usage
from benchmarks.product import Product, removed
from benchmarks.workload import Workload, workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured.

    symbols: of the base image; many_symbols: of the one for the memory
    rounds: of what takes seconds; what takes less is run `short_rounds` times
    judged: whether this is the size that the goals are for
    """

    extensions: int
    symbols: int
    many_symbols: int
    rounds: int
    short_rounds: int
    jobs: int
    judged: bool

    def goal(self, limit: float) -> float | None:
        """The limit, where it is for this size."""
        return limit if self.judged else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The workload and its links, in a folder to work in."""

    folder: Path
    product: Product
    size: Size
    load: Workload
    links: gnu.Links

    def built(self, load: Workload, jobs: int) -> Command:
        """A build from nothing: neither outputs nor addresses of an earlier one."""
        return self.product.command(
            f"west-llext build -j{jobs}, {len(load.names)}",
            load,
            "build",
            *("-o", load.output, "-j", str(jobs)),
            fresh=load.made,
        )

    def again(self, load: Workload) -> Command:
        """A build that finds everything done."""
        label = f"west-llext build again, {len(load.names)}"
        return self.product.command(label, load, "build", "-o", load.output)

    def checked(self, load: Workload) -> Command:
        """A check of the manifest and all links."""
        label = f"west-llext check -j{self.size.jobs}, {len(load.names)}"
        return self.product.command(label, load, "check", "-j", str(self.size.jobs))

    def linked(self, load: Workload, jobs: int) -> Command:
        """GNU ld once for each extension of a workload, so many at a time."""
        output = self.ld_output(load)

        def prepare() -> None:
            removed(self.folder, [output.name])
            output.mkdir()

        label = f"{len(load.names)} x ld, {jobs} at a time"
        return replace(self._driven(label, load, gnu.driver(jobs)), prepare=prepare)

    def started(self, load: Workload, jobs: int) -> Command:
        """As many processes that do nothing."""
        label = f"{len(load.names)} x true, {jobs} at a time"
        return self._driven(label, load, gnu.idle_driver(jobs))

    def ld_output(self, load: Workload) -> Path:
        """Where `linked` puts its files."""
        return self.folder / f"ld-{len(load.names)}"

    def _driven(self, label: str, load: Workload, words: Sequence[str]) -> Command:
        lines = self.folder / f"ld-{len(load.names)}.txt"
        text = gnu.command_lines(self.links, load.names, self.ld_output(load))
        lines.write_text(text, encoding="utf-8")
        return Command(
            label=label,
            words=words,
            folder=self.folder,
            environment=self.product.environment,
            stdin=lines,
        )


def bench(folder: Path, made: Product, size: Size) -> Bench:
    """The workload, built once, and linker scripts with the addresses that it got."""
    load = workload(folder / "load", size.extensions, size.symbols)
    options = ("-o", load.output, "-j", str(size.jobs))
    usage(made.command("first build", load, "build", *options))
    return Bench(folder=folder, product=made, size=size, load=load, links=gnu.links(load))
