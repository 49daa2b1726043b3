# SPDX-License-Identifier: Apache-2.0
"""Damages input until the time is up, and tells which inputs broke a promise.

Whatever is in a file of a stranger: nothing but findings comes of it, within a second and 64 MiB.
Each target (tests/fuzz/targets) is fuzzed in a process of its own. Where atheris is installed it
follows the coverage of our code; elsewhere inputs are changed at random, which `--runs` repeats
exactly. What is found is tried again in a fresh process before it counts, and kept in build/fuzz.
Exit status: 0 where every promise was kept, 1 where one was broken, 2 for a wrong command line.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.guard import Problem, thorough_problem
from tests.fuzz.guided import there
from tests.fuzz.slate import Slate
from tests.fuzz.target import ROOT, names, target
from tests.fuzz.worker import Order, kept

#: Where what was found is kept.
FOUND = Path("build/fuzz")
#: How long a worker may stay with one input, in seconds, before it is stopped.
PATIENCE = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one target.

    seconds: how long it was fuzzed
    broken: files with inputs that broke a promise
    """

    target: str
    engine: str
    executions: int
    seconds: float
    broken: Sequence[Path]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz what the command line asks for."""
    wanted = _options(arguments)
    if wanted.replay is not None:
        return replayed(wanted.names[0], wanted.replay)
    chosen = wanted.names or names()
    share = 0 if wanted.runs else wanted.seconds * wanted.jobs / len(chosen)
    engine = wanted.engine or ("guided" if there() and not wanted.runs else "plain")
    print(f"{len(chosen)} targets, engine {engine}, seed {wanted.seed}", flush=True)
    if wanted.engine is None and not there():
        print("atheris isn't installed: inputs are changed at random")
    print(f"{'target':16} {'executions':>10} {'per second':>10} {'broken':>6}", flush=True)

    def one(name: str) -> Outcome:
        return fuzzed(name, engine, wanted.seed, share, wanted.runs)

    found = []
    with ThreadPoolExecutor(wanted.jobs) as pool:
        for each in pool.map(one, chosen):
            found.append(each)
            rate = each.executions / max(each.seconds, 0.001)
            row = f"{each.executions:10} {rate:10.0f} {len(each.broken):6}"
            print(f"{each.target:16} {row}", flush=True)
    total = sum(each.executions for each in found)
    print(f"{'all':16} {total:10} {'':10} {sum(len(each.broken) for each in found):6}")
    for each in found:
        for path in each.broken:
            print(f"\n{path.with_name(path.name + '.txt').read_text(encoding='utf-8').strip()}")
            print(f"again: python -m tests.fuzz {each.target} --replay {path}")
    return 1 if any(each.broken for each in found) else 0


def fuzzed(name: str, engine: str, seed: int, seconds: float, runs: int) -> Outcome:
    """Fuzz one target in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="west-llext-fuzz-") as folder:
        place = Path(folder)
        for each in ("found", "corpus", "tmp"):
            (place / each).mkdir()
        order = Order(
            target=name,
            engine=engine,
            seed=seed,
            seconds=seconds,
            runs=runs,
            found=str(place / "found"),
            slate=str(place / "slate"),
            corpus=str(place / "corpus"),
        )
        slate = Slate(place / "slate", target(name).longest)
        start = time.monotonic()
        ended = _worked(order, slate, place / "tmp")
        taken = time.monotonic() - start
        note = slate.note()
        if not ended:
            why = Problem(kind="crash", place="the process ended", text="it took the process along")
            kept(place / "found", note.data, why)
        return Outcome(
            target=name,
            engine=engine,
            executions=note.executions,
            seconds=taken,
            broken=list(_confirmed(name, place / "found")),
        )


def _worked(order: Order, slate: Slate, temporary: Path) -> bool:
    # whether the worker came to its end by itself
    words = [sys.executable, "-m", "tests.fuzz.worker", order.text()]
    with (temporary / "log").open("wb") as log:
        process = subprocess.Popen(
            words, cwd=ROOT, env=_environment(temporary), stdout=log, stderr=log
        )
        status = _status(process, slate)
    if status == 0:
        return True
    sys.stderr.write((temporary / "log").read_text(encoding="utf-8", errors="replace")[-4000:])
    return False


def _status(process: subprocess.Popen[bytes], slate: Slate) -> int:
    # the exit status of a worker, which is stopped when it stays with one input
    before, since = -1, time.monotonic()
    while process.poll() is None:
        time.sleep(0.1)
        now = slate.note().executions
        if now != before:
            before, since = now, time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            process.kill()
    return process.wait()


def _environment(temporary: Path) -> dict[str, str]:
    # sets are in the same order in every run
    return os.environ | {"PYTHONHASHSEED": "0", "TMPDIR": str(temporary)}


def _confirmed(name: str, folder: Path) -> Iterator[Path]:
    # what is wrong in a process that has seen nothing else, too
    for path in sorted(folder.iterdir()):
        if path.suffix == ".txt":
            continue
        words = [sys.executable, "-m", "tests.fuzz", name, "--replay", str(path)]
        done = subprocess.run(
            words,
            cwd=ROOT,
            env=_environment(folder),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            place = ROOT / FOUND / name
            text = done.stdout + done.stderr
            kind = path.name.partition("-")[0]
            problem = Problem(kind=kind, place=text.partition("\n")[0], text=text)
            yield kept(place, path.read_bytes(), problem).relative_to(ROOT)


def replayed(name: str, path: Path) -> int:
    """Try one input, and say what it is and what is wrong with it."""
    aim = target(name)
    data = path.read_bytes()
    found = thorough_problem(aim, data)
    if found is None:
        print(f"{name}: nothing is wrong with {path}")
        return 0
    print(f"{name}: {found.kind}: {found.place}\n\n{found.text}")
    print(aim.shown(data), end="")
    return 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    known = names()
    parser.add_argument("names", nargs="*", metavar="TARGET", help=f"of {', '.join(known)}")
    parser.add_argument("--seconds", type=float, default=240, help="in all (default: 240)")
    parser.add_argument("--runs", type=int, default=0, help="inputs a target, instead of --seconds")
    parser.add_argument("--seed", type=int, default=1, help="(default: 1)")
    parser.add_argument("--engine", choices=("guided", "plain"), help="(default: guided if there)")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="targets at a time (default: 2)")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="try one input of one target")
    wanted = parser.parse_args(arguments)
    if unknown := [name for name in wanted.names if name not in known]:
        parser.error(f"there is no target '{unknown[0]}': choose of {', '.join(known)}")
    if wanted.replay is not None and len(wanted.names) != 1:
        parser.error("--replay takes one target")
    if wanted.engine == "guided" and not there():
        parser.error("atheris isn't installed")
    return wanted


if __name__ == "__main__":
    sys.exit(main())
