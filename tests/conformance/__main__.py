# SPDX-License-Identifier: Apache-2.0
"""The objects of the C library and of libgcc, each linked by us and by GNU ld, byte for byte.

The sample has no seed: of all members in a fixed order every k-th is taken. Exit status: 0 where
everything is equal or skipped for a reason that has a name, 1 otherwise, 3 without the tools.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

import pytest

from tests.conformance.compare import Oracle, Result, Verdict, compared
from tests.conformance.corpus import LIBRARIES, Member, arches, chosen
from west_llext.model.manifest import Mode

MODES = {mode.value: mode for mode in Mode}


def result(job: tuple[Member, Mode, Oracle]) -> Result:
    """One comparison, with a folder of its own for the linker."""
    member, mode, oracle = job
    with tempfile.TemporaryDirectory() as folder:
        return compared(member, mode, Path(folder), oracle)


def results(
    members: Sequence[Member], modes: Sequence[Mode], oracle: Oracle, jobs: int
) -> Iterator[Result]:
    """Comparisons in the order of the members."""
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(result, product(members, modes, (oracle,)), chunksize=16)


def summary(found: Iterable[Result]) -> tuple[str, bool]:
    """What a run came to, and whether it is as it has to be."""
    rows: Counter[tuple[str, str]] = Counter()
    counts: Counter[tuple[str, str, Verdict]] = Counter()
    skipped: Counter[tuple[str, str]] = Counter()
    applied: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    different = []
    for each in found:
        arch, mode = each.member.arch, each.mode.value
        rows[arch, mode] += 1
        counts[arch, mode, each.verdict] += 1
        applied.update(each.applied)
        totals.update(regions=each.regions, bytes=each.bytes, veneers=each.veneers)
        if each.verdict is Verdict.SKIPPED:
            skipped[each.mode.value, each.reason] += 1
        if each.verdict is Verdict.DIFFERENT:
            different.append(f"DIFFERENT {each.member} ({each.mode.value}): {each.reason}")
    lines = [f"{'':9} {'':12} {'objects':>8} {'equal':>8} {'skipped':>8} {'different':>10}"]
    for (arch, mode), count in sorted(rows.items()):
        equal, skips, wrong = (counts[arch, mode, verdict] for verdict in Verdict)
        lines.append(f"{arch:9} {mode:12} {count:8} {equal:8} {skips:8} {wrong:10}")
    lines.append(
        f"compared: {totals['regions']} regions, {totals['bytes']} bytes; "
        f"{totals['veneers']} branches followed through veneers"
    )
    lines.append("relocations: " + ", ".join(f"{n} {c}" for n, c in sorted(applied.items())))
    lines += [f"skipped {n} ({mode}): {reason}" for (mode, reason), n in sorted(skipped.items())]
    return "\n".join(lines + different[:20]), not different


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line, read."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.conformance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, help="objects to take (default: all)")
    known = sorted({*LIBRARIES, *(each.machine for each in LIBRARIES.values())})
    parser.add_argument(
        "--arch", choices=known, action="append", help="processor or machine (repeatable)"
    )
    parser.add_argument("--mode", choices=sorted(MODES), action="append", help="(repeatable)")
    parser.add_argument("--lld", action="store_true", help="compare with lld instead of GNU ld")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="processes (default: 2)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a comparison from the command line."""
    wanted = options(arguments)
    modes = [MODES[name] for name in wanted.mode or sorted(MODES)]
    oracle = Oracle.LLD if wanted.lld else Oracle.GNU
    start = time.monotonic()
    try:
        members = chosen(wanted.count, arches(wanted.arch) if wanted.arch else list(LIBRARIES))
    except pytest.skip.Exception as err:
        sys.stderr.write(f"can't compare: {err}\n")
        return 3
    found = []
    for number, each in enumerate(results(members, modes, oracle, wanted.jobs), 1):
        found.append(each)
        if sys.stderr.isatty() and number % 50 == 0:
            sys.stderr.write(f"\r{number} of {len(members) * len(modes)} ")
            sys.stderr.flush()
    text, good = summary(found)
    sys.stdout.write(f"{text}\n{len(members)} objects, {time.monotonic() - start:.0f} s\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
