# SPDX-License-Identifier: Apache-2.0
"""What other modes would cost, as it is estimated from a blob, and what they do cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.workshop import SYMBOLS, Part, Workshop

from west_llext.app.load import LoadRequest, LoadStep, Outcome, load
from west_llext.app.load_settings import Settings
from west_llext.loader.cost import bound, prelocated
from west_llext.loader.extension import LoadParameters
from west_llext.loader.storage import Storage
from west_llext.model.manifest import Mode


def loaded(folder: Path, mode: Mode, calls: tuple[str, ...]) -> tuple[LoadRequest, Outcome]:
    """An extension that is built in a mode, and loaded as docs/modes.md says."""
    made = Workshop(folder / mode.value, [Part(name="unit", mode=mode.value, calls=calls)])
    made.build()
    symbols = folder / "symbols.json"
    symbols.write_text(json.dumps(SYMBOLS), encoding="utf-8")
    fixed = mode is Mode.PRELOCATED
    request = LoadRequest(
        steps=(LoadStep("unit", made.output / "unit.llext"),),
        symbols=symbols,
        settings=Settings(release="4.3", storage=Storage.WRITABLE if fixed else None),
        parameters=LoadParameters(relocate_local=not fixed, pre_located=fixed),
    )
    (outcome,) = load(request).outcomes
    assert outcome.result == 0
    return request, outcome


@pytest.mark.parametrize("calls", [("printk",), ("printk", "memcpy", "printk", "k_uptime_get")])
def test_the_cost_of_other_modes_is_known_from_a_relocatable_blob(
    calls: tuple[str, ...], tmp_path: Path
) -> None:
    """Prelocated: to the byte and the instruction; bound: within 3 percent."""
    request, relocatable = loaded(tmp_path, Mode.RELOCATABLE, calls)
    target = load(request).target
    known = relocatable.cost
    assert known is not None
    for mode, estimated, most in (
        (Mode.BOUND, bound(known), 0.03),
        (Mode.PRELOCATED, prelocated(target, known), 0.0),
    ):
        _, other = loaded(tmp_path, mode, calls)
        assert other.cost is not None
        wanted, found = other.cost.instructions(target), estimated.instructions(target)
        assert wanted is not None
        assert found is not None
        assert abs(found - wanted) <= most * wanted
        assert estimated.kept >= other.cost.kept
    assert estimated == other.cost


def test_savings_are_the_differences(tmp_path: Path) -> None:
    """Of instructions, and of what is kept of the heap; none for what is prelocated."""
    request, outcome = loaded(tmp_path, Mode.RELOCATABLE, ("printk",))
    target = load(request).target
    known = outcome.cost
    assert known is not None
    found = {each.mode: (each.instructions, each.kept) for each in outcome.savings}
    for mode, other in ((Mode.BOUND, bound(known)), (Mode.PRELOCATED, prelocated(target, known))):
        now, then = known.instructions(target), other.instructions(target)
        assert now is not None
        assert then is not None
        assert found[mode] == (now - then, known.kept - other.kept)
    assert loaded(tmp_path, Mode.PRELOCATED, ("printk",))[1].savings == ()
    bounds = [each.mode for each in loaded(tmp_path, Mode.BOUND, ("printk",))[1].savings]
    assert bounds == [Mode.PRELOCATED]
