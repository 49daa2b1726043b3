# SPDX-License-Identifier: Apache-2.0
"""Fuzzing that follows the coverage of our code: atheris, that is libFuzzer for Python.

An optional extra, because it isn't there for every system and every Python.
"""

from __future__ import annotations

import pkgutil
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fuzz.worker import Order

#: Of the machine; a worker that takes more is stopped.
_MEGABYTES = 2048
_SECONDS = 30
#: Rooms that stay as they are: they need west or an emulator.
_LEFT_OUT = ("west_llext.west_command", "west_llext.emulate", "west_llext.__main__")


def there() -> bool:
    """Whether this Python has it."""
    return find_spec("atheris") is not None


def guided(order: Order) -> None:
    """Fuzz until the time or the number is reached, then end the process."""
    import atheris

    with atheris.instrument_imports(include=["west_llext"]):
        _import_all()
    from tests.fuzz.target import target
    from tests.fuzz.worker import Bench

    aim = target(order.target)
    bench = Bench(order, aim)
    for name, data in aim.corpus().items():
        (Path(order.corpus) / name.replace("/", "-").replace(" ", "-")).write_bytes(data)

    def mutated(data: bytes, longest: int, seed: int) -> bytes:
        dice = Random(seed)
        if dice.randrange(2):
            return aim.mutate(data, dice)[:longest]
        made: bytes = atheris.Mutate(data, longest)
        return made

    options = [
        sys.argv[0],
        order.corpus,
        f"-max_len={aim.longest}",
        f"-seed={order.seed or 1}",
        f"-rss_limit_mb={_MEGABYTES}",
        f"-timeout={_SECONDS}",
        f"-artifact_prefix={order.found}/libfuzzer-",
        "-verbosity=0",
        "-len_control=0",
    ]
    options += [f"-max_total_time={max(1, round(order.seconds))}"] if order.seconds else []
    options += [f"-runs={order.runs}"] if order.runs else []
    atheris.Setup(options, bench.put, custom_mutator=mutated)
    atheris.Fuzz()


def _import_all() -> None:
    # everything at once, so that nothing is imported later without being instrumented
    import west_llext

    for each in pkgutil.walk_packages(west_llext.__path__, "west_llext."):
        if not each.name.startswith(_LEFT_OUT):
            import_module(each.name)
