# SPDX-License-Identifier: Apache-2.0
"""What the load of a blob costs, as `llext-build.json` has it."""

from __future__ import annotations

from typing import Any

from west_llext.loader.cost import Cost, bound, cost, prelocated
from west_llext.loader.system import Loaded, System
from west_llext.model.manifest import Mode

#: Modes that leave less to the target, and so are worth a comparison.
LESS: dict[Mode, tuple[Mode, ...]] = {
    Mode.RELOCATABLE: (Mode.BOUND, Mode.PRELOCATED),
    Mode.BOUND: (Mode.PRELOCATED,),
    Mode.PRELOCATED: (),
}


def load_entry(system: System, loaded: Loaded, mode: Mode) -> dict[str, Any] | None:
    """The entry of an extension; None for a load that failed."""
    known = cost(system.target, loaded)
    if known is None:
        return None
    return {
        "copied": known.copied,
        "cleared": known.cleared,
        "compared": known.compared,
        "relocated": known.relocated,
        **_figures(system, known),
        "modes": {
            each.value: _figures(system, in_mode(system, known, each)) for each in LESS[mode]
        },
    }


def in_mode(system: System, known: Cost, mode: Mode) -> Cost:
    """What the same extension costs in another mode."""
    match mode:
        case Mode.RELOCATABLE:
            return known
        case Mode.BOUND:
            return bound(known)
        case Mode.PRELOCATED:
            return prelocated(system, known)


def _figures(system: System, known: Cost) -> dict[str, int | None]:
    return {
        "instructions": known.instructions(system.target),
        "heap-peak": known.peak,
        "heap-kept": known.kept,
    }
