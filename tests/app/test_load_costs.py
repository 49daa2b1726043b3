# SPDX-License-Identifier: Apache-2.0
"""What other modes would cost, as it is estimated from a blob, and what they do cost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.workshop import SYMBOLS, Part, Workshop, base_elf

from west_llext.app.load import LoadRequest, LoadStep, Outcome, load
from west_llext.app.load_settings import Settings
from west_llext.loader.cost import bound, prelocated
from west_llext.loader.extension import LoadParameters
from west_llext.loader.storage import Storage
from west_llext.loader.system import System
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
        (Mode.PRELOCATED, prelocated(System(target), known), 0.0),
    ):
        _, other = loaded(tmp_path, mode, calls)
        assert other.cost is not None
        wanted, found = other.cost.instructions(target), estimated.instructions(target)
        assert wanted is not None
        assert found is not None
        assert abs(found - wanted) <= most * wanted
        assert estimated.kept >= other.cost.kept
    assert estimated == other.cost


def entries(made: Workshop) -> dict[str, Any]:
    """What a build's report says of loads, by extension."""
    document = json.loads((made.output / "llext-build.json").read_text())
    return {each["name"]: each.get("load") for each in document["extensions"]}


def test_a_build_reports_what_loads_cost(tmp_path: Path) -> None:
    """Each extension alone on the heap, as `load` has it; in other modes as is estimated."""
    parts = [Part(name=mode.value, mode=mode.value) for mode in Mode]
    made = Workshop(tmp_path, parts, version="4.3.0", base=base_elf(heap=16 << 10))
    made.build()
    found = entries(made)
    assert {name: [*each["modes"]] for name, each in found.items()} == {
        "relocatable": ["bound", "prelocated"],
        "bound": ["prelocated"],
        "prelocated": [],
    }
    names = ("copied", "compared", "relocated")
    assert [found["prelocated"][each] for each in names] == [0, 0, 0]
    assert found["relocatable"]["modes"]["prelocated"].keys() == {
        *("instructions", "heap-peak", "heap-kept")
    }
    for name in ("relocatable", "bound"):
        for key, value in found[name]["modes"]["prelocated"].items():
            assert found["prelocated"][key] == value, key
    assert found["bound"]["compared"] == 0 < found["relocatable"]["compared"]
    assert found["bound"]["instructions"] < found["relocatable"]["instructions"]


def test_extensions_that_import_from_others_are_reported_too(tmp_path: Path) -> None:
    """Without what their providers have on the heap; a part of them keeps the others' lines."""
    parts = [
        Part(name="give", mode="bound", code=4000),
        Part(name="take", mode="bound", calls=("give_run",), imports_from=("give",)),
    ]
    made = Workshop(tmp_path, parts, version="4.3.0", base=base_elf(heap=16 << 10))
    made.build()
    before = entries(made)
    assert before["give"]["heap-kept"] > 4000
    assert before["take"]["heap-kept"] < 1000
    assert before["take"]["compared"] > 0
    parts[1] = replace(parts[1], seed=1)
    made.build("take")
    assert entries(made) == before


def test_without_a_base_image_nothing_is_said_of_loads(tmp_path: Path) -> None:
    """Nothing is known of the target."""
    made = Workshop(tmp_path, [Part(name="unit", mode="relocatable")], base=None)
    made.build()
    assert entries(made) == {"unit": None}


@pytest.mark.parametrize("jobs", [1, 2])
def test_reports_do_not_depend_on_the_number_of_processes(jobs: int, tmp_path: Path) -> None:
    """50 extensions are enough for two; sizes of their heaps can be compared with one alone."""
    parts = [Part(name=f"x{number}", mode="relocatable", code=number) for number in range(50)]
    made = Workshop(tmp_path, parts, version="4.3.0", base=base_elf(heap=16 << 10))
    made.build(jobs=jobs)
    found = entries(made)
    alone = Workshop(tmp_path / "alone", parts[49:], version="4.3.0", base=base_elf(heap=16 << 10))
    alone.build()
    assert found["x49"] == entries(alone)["x49"]
    assert [each["relocated"] for each in found.values()] == [found["x0"]["relocated"]] * 50


def test_savings_are_the_differences(tmp_path: Path) -> None:
    """Of instructions, and of what is kept of the heap; none for what is prelocated."""
    request, outcome = loaded(tmp_path, Mode.RELOCATABLE, ("printk",))
    target = load(request).target
    known = outcome.cost
    assert known is not None
    found = {each.mode: (each.instructions, each.kept) for each in outcome.savings}
    for mode, other in (
        (Mode.BOUND, bound(known)),
        (Mode.PRELOCATED, prelocated(System(target), known)),
    ):
        now, then = known.instructions(target), other.instructions(target)
        assert now is not None
        assert then is not None
        assert found[mode] == (now - then, known.kept - other.kept)
    assert loaded(tmp_path, Mode.PRELOCATED, ("printk",))[1].savings == ()
    bounds = [each.mode for each in loaded(tmp_path, Mode.BOUND, ("printk",))[1].savings]
    assert bounds == [Mode.PRELOCATED]
