# SPDX-License-Identifier: Apache-2.0
"""Measures west-llext against GNU ld doing the same links, both in turn, in one run.

Without names everything but `profile` is measured; `profile` shows where the time of a build goes.
The goals are for the full size, so `--quick` doesn't judge. Exit status: 0 where everything was
measured, whether goals were reached or not; 1 where a process failed or both sides linked different
bytes; 3 without the tools.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench import Size, bench
from benchmarks.cases import CASES
from benchmarks.compare import DifferentError
from benchmarks.processes import FailedError
from benchmarks.product import product
from benchmarks.profiling import profile
from benchmarks.result import Result, document, text
from benchmarks.tools import MissingToolError, machine, versions


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for."""
    wanted = _options(arguments)
    try:
        with tempfile.TemporaryDirectory(dir=wanted.folder) as folder:
            _run(wanted, Path(folder))
    except MissingToolError as err:
        sys.stderr.write(f"can't measure: {err}\n")
        return 3
    except (FailedError, DifferentError) as err:
        sys.stderr.write(f"{err}\n")
        return 1
    return 0


def _run(wanted: argparse.Namespace, folder: Path) -> None:
    surroundings = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "versions": versions(),
        "parameters": {
            name: getattr(wanted, name)
            for name in ("extensions", "symbols", "many_symbols", "rounds", "short_rounds", "jobs")
        },
    }
    for key, value in surroundings.items():
        print(f"{key}: {value}")
    names = wanted.names or list(CASES)
    prepared = bench(folder, product(folder), _size(wanted))
    results: list[Result] = []
    for name in names:
        print(flush=True)
        results.append(profile(prepared) if name == "profile" else CASES[name](prepared))
        print(text(results[-1]), end="", flush=True)
    if wanted.json is not None:
        content = json.dumps(document(results, surroundings), indent=2)
        wanted.json.write_text(content + "\n", encoding="utf-8")


def _size(wanted: argparse.Namespace) -> Size:
    return Size(
        extensions=wanted.extensions,
        symbols=wanted.symbols,
        many_symbols=wanted.many_symbols,
        rounds=wanted.rounds,
        short_rounds=wanted.short_rounds,
        jobs=wanted.jobs,
        judged=(wanted.extensions, wanted.symbols, wanted.many_symbols) == (1000, 20000, 200000),
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    known = [*CASES, "profile"]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, in seconds")
    parser.add_argument("--extensions", type=int, help="(default: 1000)")
    parser.add_argument("--symbols", type=int, help="of the base image (default: 20000)")
    parser.add_argument("--rounds", type=int, help="of what takes seconds (default: 5)")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (default: 2)")
    parser.add_argument("--folder", type=Path, help="to work in (default: for temporary files)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    wanted = parser.parse_args(arguments)
    if unknown := [name for name in wanted.names if name not in known]:
        parser.error(f"there is no '{unknown[0]}': choose of {', '.join(known)}")
    wanted.extensions = wanted.extensions or (100 if wanted.quick else 1000)
    wanted.symbols = wanted.symbols or (2000 if wanted.quick else 20000)
    wanted.rounds = wanted.rounds or (3 if wanted.quick else 5)
    wanted.many_symbols = wanted.symbols * 10
    wanted.short_rounds = wanted.rounds * 3
    return wanted


if __name__ == "__main__":
    sys.exit(main())
