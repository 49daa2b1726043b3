# SPDX-License-Identifier: Apache-2.0
"""Fuzzes one target in a process of its own: `python -m tests.fuzz.worker ORDER`.

ORDER is JSON (`Order`). What was found goes into a folder as files, one for each problem; how far
it is, onto a slate. `__main__` starts it and looks at what is left.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from tests.fuzz import mutate
from tests.fuzz.guard import Meter, Problem, memory_problem, problem
from tests.fuzz.slate import Note, Slate
from tests.fuzz.target import Target, target

#: Inputs that are kept to make others of.
_KEPT = 200
#: Suspects of one place: time and memory are counted again later, so the first may be none.
_SUSPECTS = {"crash": 1, "slow": 8, "memory": 8}
#: Bytes of address space; more is a crash, and not the end of the machine.
_ADDRESSES = 4 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a worker is to do.

    seconds: how long; 0 for as long as `runs` takes
    runs: how many inputs; 0 for as many as there is time for
    found: folder for suspects; slate: file for the state
    corpus: folder for inputs of the guided engine
    """

    target: str
    engine: str
    seed: int
    seconds: float
    runs: int
    found: str
    slate: str
    corpus: str

    def text(self) -> str:
        """The order as one word of a command line."""
        return json.dumps(asdict(self))


class Bench:
    """Puts inputs to the test, and keeps those that don't pass it: one of each problem."""

    def __init__(self, order: Order, aim: Target) -> None:
        """For one process."""
        self.order = order
        self.aim = aim
        self.slate = Slate(Path(order.slate), aim.longest)
        self.meter = Meter()
        self.executions = 0
        self.known: Counter[str] = Counter()

    def put(self, data: bytes) -> None:
        """Test one input."""
        self.executions += 1
        self.slate.put(Note(self.executions, data))
        found = problem(self.aim, data)
        if found is None and self.meter.rose(len(data)):
            found = memory_problem(self.aim, data)
        if found is not None and self.known[found.place] < _SUSPECTS[found.kind]:
            self.known[found.place] += 1
            kept(Path(self.order.found), data, found)


def kept(folder: Path, data: bytes, found: Problem) -> Path:
    """Write an input down, with what is wrong; where it is then."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{found.kind}-{hashlib.sha256(data).hexdigest()[:12]}"
    (folder / f"{name}.txt").write_text(f"{found.place}\n\n{found.text}\n", encoding="utf-8")
    (folder / name).write_bytes(data)
    return folder / name


def plain(order: Order, aim: Target, bench: Bench) -> None:
    """Change inputs at random until the time or the number is reached; needs nothing but Python."""
    dice = Random(f"{order.seed} {order.target}")
    inputs = list(aim.corpus().values())
    for each in inputs:
        bench.put(each)
    end = time.monotonic() + (order.seconds or float("inf"))
    while time.monotonic() < end and bench.executions < (order.runs or float("inf")):
        data = dice.choice(inputs)
        if not dice.randrange(16):
            data = mutate.spliced(data, dice.choice(inputs), dice)
        data = aim.mutate(data, dice)[: aim.longest]
        bench.put(data)
        # a walk away from the seeds, but not without end
        if not dice.randrange(8):
            if len(inputs) < _KEPT:
                inputs.append(data)
            elif not dice.randrange(50):
                del inputs[len(aim.corpus()) :]


def main(words: list[str]) -> int:
    """Do what the order says; nothing is printed."""
    order = Order(**json.loads(words[0]))
    if order.engine == "guided":
        from tests.fuzz.guided import guided

        guided(order)  # doesn't come back
    _bound_memory()
    aim = target(order.target)
    plain(order, aim, Bench(order, aim))
    return 0


def _bound_memory() -> None:
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, resource.RLIM_INFINITY))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
