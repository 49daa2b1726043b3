# SPDX-License-Identifier: Apache-2.0
"""What a load costs: counts by hand, and estimates against instructions that were counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from support import records
from support.elfbuild import FUNC, Rel, Sec, Sym
from support.loads import code, extension, load, target

from west_llext.loader.cost import Cost, bound, cost, prelocated
from west_llext.loader.extension import Llext
from west_llext.loader.system import System
from west_llext.loader.target import Machine
from west_llext.loader.versions import NEWEST, Version

DOCS = Path(__file__).parents[2] / "docs" / "loader.md"
ABS32, THM_CALL = 2, 10
BASE = target(symbols={b"abs": 0x4001, b"printk": 0x4511, b"memcpy": 0x20000601})


def importing() -> bytes:
    """`.text` of 12 bytes: two addresses and a call; and one export."""
    words = [
        Rel(offset=0, type=ABS32, symbol="printk"),
        Rel(offset=4, type=ABS32, symbol="memcpy"),
        Rel(offset=8, type=THM_CALL, symbol="memcpy"),
    ]
    row = [Rel(offset=0, type=ABS32, symbol="name"), Rel(offset=4, type=ABS32, symbol="f")]
    return extension(
        code(bytes(8) + bytes.fromhex("fff7feff"), relocations=words),
        Sec(name=".rodata", content=b"f\0", align=1),
        Sec(name=".exported_sym", content=bytes(8), relocations=row),
        symbols=[
            Sym(name="f", value=1, type=FUNC, section=".text"),
            Sym(name="name", binding=0, section=".rodata"),
            Sym(name="printk"),
            Sym(name="memcpy"),
        ],
    )


def test_every_step_of_a_load_is_counted() -> None:
    """By hand: 12 + 2 + 8 bytes of regions, 5 symbols of 16, names of 21 and 73 bytes; `printk` is
    the second name of the base image, `memcpy` the third."""
    _, loaded = load(importing(), target(symbols=BASE.symbols), buffer=0x20010000)
    known = cost(BASE, loaded)
    assert known is not None
    strings = len(b"\0name\0f\0printk\0memcpy\0")
    names = len(
        b"\0.text\0.rodata\0.exported_sym\0.rel.text\0.rel.exported_sym\0.symtab\0.strtab\0"
    )
    names += len(b".shstrtab\0")
    assert known == Cost(
        copied=12 + 2 + 8 + 5 * 16 + strings + names,
        cleared=8,
        compared=2 + 3 + 3,
        searched=2 + 3 + 3,
        relocated=5,
        # both addresses, but not the call; so `memcpy` is still needed
        settled=2,
        spared=(1, 16),
        sections=9,
        fixups=2,
        symbols=5,
        exports=1,
        # the extension, the map, six regions, both tables
        allocations=10,
        peak=loaded.peak,
        kept=loaded.live,
    )


def test_instructions_are_priced_by_what_is_counted() -> None:
    """5400 + 4.8 · 100 + 4 · 10 + 14 · 20 + 380 · 3 + 220 · 8 + 363 · 4 + 355 · 9 on a Cortex-M."""
    known = Cost(
        copied=100,
        cleared=10,
        compared=20,
        searched=20,
        relocated=3,
        settled=0,
        sections=8,
        fixups=1,
        symbols=4,
        exports=1,
        allocations=9,
        peak=0,
        kept=0,
        spared=(0, 0),
    )
    assert known.instructions(BASE) == 5400 + 480 + 40 + 280 + 1140 + 1760 + 1452 + 3195


@pytest.mark.parametrize(
    "changes", [{"machine": Machine.XTENSA}, {"machine": Machine.ARM64}, {"version": Version(3, 7)}]
)
def test_nobody_has_counted_on_other_processors(changes: dict[str, object]) -> None:
    """Nor in the loaders before 4.0."""
    _, loaded = load(extension(), target())
    known = cost(BASE, loaded)
    assert known is not None
    assert known.instructions(target(**changes)) is None


def test_a_load_that_fails_has_no_cost() -> None:
    """What it has done until then is nobody's business."""
    assert cost(BASE, load(b"")[1]) is None


def test_loading_what_is_loaded_costs_nothing() -> None:
    """It is counted once more."""
    system, loaded = load(extension())
    assert cost(system.target, loaded) is not None
    assert cost(system.target, load(extension(), system, buffer=0x22000000)[1]) is None


def test_what_others_have_on_the_heap_is_not_counted() -> None:
    """Two loads of one file cost the same."""
    system, first = load(extension(), name="one")
    _, second = load(extension(), system, name="two", buffer=0x22000000)
    one, two = cost(system.target, first), cost(system.target, second)
    assert one is not None
    assert one == two
    assert first.live == one.kept


def test_sorted_tables_are_searched_by_halves() -> None:
    """Two comparisons a name for a table of three, since 4.5; not where it is in another order."""
    for symbols, expected in (
        (dict(sorted(BASE.symbols.items())), 3 * 2),
        ({name: BASE.symbols[name] for name in (b"printk", b"abs", b"memcpy")}, 1 + 3 + 3),
    ):
        on = target(symbols=symbols, version=NEWEST)
        known = cost(on, load(importing(), on, buffer=0x20010000)[1])
        assert known is not None
        assert known.searched == expected


def test_a_bound_extension_looks_nothing_up() -> None:
    """The relocations and the symbol that its addresses decide are gone, a note has come."""
    known = cost(BASE, load(importing(), target(symbols=BASE.symbols), buffer=0x20010000)[1])
    assert known is not None
    found = bound(known)
    assert (found.compared, found.relocated, found.symbols, found.sections) == (0, 3, 4, 10)
    assert (known.copied - found.copied, known.kept - found.kept) == (16, 16)


def test_a_prelocated_extension_keeps_itself_and_its_exports() -> None:
    """188 bytes of `struct llext`, and 8 of the table, which take 12 (headers aside)."""
    known = cost(BASE, load(importing(), target(symbols=BASE.symbols), buffer=0x20010000)[1])
    assert known is not None
    found = prelocated(System(BASE), known)
    assert (found.copied, found.cleared, found.compared, found.relocated) == (0, 8, 0, 0)
    assert (found.sections, found.symbols, found.allocations) == (8, 2, 4)
    assert found.kept == 188 + 12


@pytest.mark.parametrize("version", [Version(3, 7), Version(4, 0), NEWEST])
def test_every_release_counts_the_sections_of_a_file(version: Version) -> None:
    """Those before 4.0 keep no table of them, so that a prelocated file seemed to have none."""
    on = target(symbols=BASE.symbols, version=version)
    known = cost(on, load(importing(), on, buffer=0x20010000)[1])
    assert known is not None
    found = prelocated(System(on), known)
    assert (known.sections, found.sections) == (known.fixups + 7, 8)
    assert found.kept <= found.peak


def _errors(arch: str) -> Iterator[float]:
    # relative errors of the estimates for recorded loads that succeed in silence
    for record in records.records():
        if record["arch"] != arch:
            continue
        system = records.system(arch)
        slots: dict[int, Llext | None] = {}
        steps = [{**record, **record["load"], "op": "load"}] if "load" in record else []
        for step in record.get("steps", steps):
            if step["op"] == "unload":
                ext = slots.get(step["slot"])
                if ext is not None:
                    system.unload(ext)
            if step["op"] != "load" or step.get("rc", -1) < 0:
                continue
            file = step.get("file") or record["blobs"][step["slot"]]["file"]
            loaded = records.load(system, step["name"], records.content(file), step)
            slots[step.get("slot", 0)] = loaded.ext
            known = cost(system.target, loaded)
            estimate = None if known is None else known.instructions(system.target)
            if estimate is not None and not step["log"]:
                yield abs(estimate - step["insns"]) / step["insns"]


@pytest.mark.skipif(records.folder() is None, reason=records.REASON)
@pytest.mark.parametrize(
    ("arch", "processor"),
    [("arm", "Cortex-M3"), ("riscv32", "RISC-V, 32 bits"), ("riscv64", "RISC-V, 64 bits")],
)
def test_the_error_of_the_estimates_is_as_documented(arch: str, processor: str) -> None:
    """docs/loader.md has the loads that were counted, the median of the errors and the worst."""
    found = list(_errors(arch))
    row = f"| {processor} | {len(found)} | {median(found):.1%} | {max(found):.1%} |"
    assert row in DOCS.read_text(encoding="utf-8").replace(" %", "%")
