# SPDX-License-Identifier: Apache-2.0
"""Builds and checks load every blob into a model of the target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.counting import LINEAR, growth
from support.elfbuild import ET_EXEC, elf
from support.workshop import Part, Workshop, base_elf

from west_llext.app.inputs import inputs
from west_llext.app.load_settings import Offered, Settings, target_of
from west_llext.app.trial import Plan, Trial, plan
from west_llext.base.image import image
from west_llext.loader.storage import Storage
from west_llext.model.manifest import Extension, Name

SMALL = Part(name="small", mode="bound", code=40)
LARGE = Part(name="large", mode="relocatable", code=2000)
USER = Part(name="user", mode="relocatable", calls=("large_run",), imports_from=("large",))


def texts(made: Workshop) -> list[str]:
    """What a check and a build that goes through find, which has to be the same."""
    found = [str(each) for each in made.check().findings]
    assert [str(each) for each in made.warnings()] == found
    return found


def out_of_memory(place: str, name: str, size: int, region: int, severity: str = "error") -> str:
    """What is said where so many bytes aren't there."""
    what = f"Failed allocating {size} bytes 4-aligned for region {region}"
    return (
        f"{place}: {severity}[L020]: llext_load() of '{name}' returns -12 (ENOMEM): {what}\n"
        f"{place}: note: the loader logs: {what}\n"
        f"{place}: note: the loader logs: Failed to copy regions, ret -12\n"
        "hint: enlarge CONFIG_LLEXT_HEAP_SIZE, or keep the file in memory with persistent storage"
    )


def plan_of(made: Workshop) -> Plan:
    """What its blobs are tried on."""
    made.write()
    start = inputs(made.request())
    found = plan(start.manifest, start.base.image)
    assert found is not None
    return found


def blobs(made: Workshop) -> dict[str, bytes]:
    """What it builds, by name."""
    made.build()
    return {each.name: (made.output / f"{each.name}.llext").read_bytes() for each in made.parts}


def test_blobs_of_every_mode_load(tmp_path: Path) -> None:
    """Alone, and behind those that they import from."""
    parts = [
        Part(name="fixed"),
        Part(name="far", calls=("fixed_run",), imports_from=("fixed",)),
        SMALL,
        LARGE,
        USER,
    ]
    assert texts(Workshop(tmp_path, parts, base=base_elf(heap=8192))) == []


def test_what_is_larger_than_the_heap_stops_the_build(tmp_path: Path) -> None:
    """Where no kind of storage would help: .bss is never in the file."""
    made = Workshop(tmp_path, [SMALL, replace(LARGE, bss=5000)], base=base_elf(heap=4096))
    expected = [out_of_memory("llext.yml:14:11", "large", 5000, 3)]
    assert made.failure() == expected
    assert [str(each) for each in made.check().findings] == expected


def test_what_fits_with_the_file_in_memory_is_a_warning(tmp_path: Path) -> None:
    """How it is loaded is up to the application."""
    made = Workshop(tmp_path, [LARGE], base=base_elf(heap=2000))
    expected = out_of_memory("llext.yml:10:11", "large", 2024, 0, "warning")
    assert texts(made) == [expected]


def test_a_heap_that_is_not_known_is_large_enough(tmp_path: Path) -> None:
    """The image is stripped, or the application has a heap of its own."""
    made = Workshop(tmp_path, [replace(LARGE, code=60_000, bss=600_000)])
    assert texts(made) == []


def test_providers_take_memory_as_well(tmp_path: Path) -> None:
    """Each fits alone."""
    first, second = replace(LARGE, code=32, bss=1300), replace(USER, bss=1300)
    alone = Workshop(tmp_path / "alone", [first, replace(second, calls=(), imports_from=())])
    alone.base = base_elf(heap=3000)
    assert texts(alone) == []
    both = Workshop(tmp_path / "both", [first, second], base=alone.base)
    assert both.failure() == [out_of_memory("llext.yml:14:11", "user", 1300, 3)]


def test_a_release_that_does_not_share_symbols_refuses_imports(tmp_path: Path) -> None:
    """Extensions can use what others export since 4.0."""
    made = Workshop(tmp_path, [LARGE, USER], version="3.7.0")
    what = "Undefined symbol with no entry in symbol table large_run, offset 52, link section 6"
    at = "llext.yml:15:11"
    assert made.failure() == [
        (
            f"{at}: error[L020]: llext_load() of 'user' returns -61 (ENODATA): {what}\n"
            f"{at}: note: the loader logs: {what}\n"
            f"{at}: note: the loader logs: Failed to link, ret -61\n"
            "hint: export the symbol from the base image, or load the extension that exports it "
            "first"
        )
    ]
    made.version = "4.0.0"
    assert texts(made) == []


@pytest.mark.parametrize("release", ["3.6.0", "3.5.99"])
def test_nothing_is_tried_by_rules_of_another_release(release: str, tmp_path: Path) -> None:
    """3.6 takes names of any length, which 3.5 cuts: what it does isn't known well enough."""
    made = Workshop(tmp_path, [SMALL], version=release)
    made.write()
    start = inputs(made.request())
    assert start.base.image is not None
    assert start.base.image.zephyr_version == release
    assert plan(start.manifest, start.base.image) is None


def test_without_a_base_image_nothing_is_tried(tmp_path: Path) -> None:
    """Nothing is known of the target."""
    made = Workshop(tmp_path, [LARGE], base=None)
    assert texts(made) == []
    assert plan(inputs(made.request()).manifest, None) is None


def test_several_processes_find_what_one_finds(tmp_path: Path) -> None:
    """Chains are loaded in the first one, the others where they are linked."""
    parts = [replace(SMALL, name=f"s{number}", code=5000) for number in range(50)]
    made = Workshop(tmp_path, [*parts, LARGE, replace(USER, bss=9000)], base=base_elf(heap=4096))
    alone, together = made.failure(jobs=1), made.failure(jobs=2)
    assert len(alone) == 51
    assert alone == together


@pytest.mark.parametrize("storage", list(Storage))
def test_a_damaged_blob_is_refused_and_the_next_one_is_loaded(
    storage: Storage, tmp_path: Path
) -> None:
    """The modelled target starts anew."""
    made = Workshop(tmp_path, [SMALL, LARGE, USER], base=base_elf(heap=8192))
    found = blobs(made)
    trial = Trial(replace(plan_of(made), storage=storage))
    assert trial.tried("user", found).findings == []
    # e_shoff of the ELF header (gABI, "ELF Header")
    damaged = found["large"][:32] + b"\xf0\xff\xff\x7f" + found["large"][36:]
    wrong = {**found, "large": damaged}
    (refused,) = trial.tried("large", wrong).findings
    assert refused.code in {"L020", "L021"}
    assert trial.tried("user", wrong).findings == []
    assert trial.tried("small", wrong).findings == []
    assert trial.tried("user", found).findings == []
    assert trial.tried("user", {"user": found["user"]}).findings == []


@pytest.mark.parametrize(
    ("machine", "release", "storage"),
    [
        (40, "4.3.0", Storage.TEMPORARY),
        (94, "4.3.0", Storage.WRITABLE),
        (94, "4.5.0", Storage.TEMPORARY),
    ],
)
def test_files_lie_where_the_loader_can_link_them(
    machine: int, release: str, storage: Storage, tmp_path: Path
) -> None:
    """Before 4.5 Xtensa's loader links nothing but writable files."""
    made = Workshop(tmp_path, [SMALL])
    made.write()
    start = inputs(made.request())
    base = start.base.image
    assert base is not None
    ident = replace(base.abi.ident, machine=machine)
    other = replace(base, abi=replace(base.abi, ident=ident), zephyr_version=release)
    found = plan(start.manifest, other)
    assert found is not None
    assert found.storage is storage


def chain(length: int) -> dict[str, Extension]:
    """Extensions that import from the two before them."""

    def extension(number: int) -> Extension:
        before = [each for each in (number - 1, number - 2) if each >= 0]
        names = tuple(Name(text=f"e{each}") for each in before)
        return Extension(name=f"e{number}", imports_from=names, place={})

    return {f"e{number}": extension(number) for number in range(length)}


def test_long_chains_are_walked_without_recursion(tmp_path: Path) -> None:
    """Each extension comes once, behind all that it needs."""
    made = plan_of(Workshop(tmp_path, [SMALL], base=base_elf(heap=8192)))
    whole = replace(made, extensions=chain(3000))
    assert whole.order(["e2999"]) == list(whole.extensions)


def test_extensions_that_need_more_than_a_hundred_others_are_not_tried(tmp_path: Path) -> None:
    """Each of a chain of thousands would take thousands of steps."""
    made = plan_of(Workshop(tmp_path, [SMALL], base=base_elf(heap=8192)))
    whole = replace(made, extensions=chain(3000))
    assert [name for name in whole.extensions if whole.is_tried(name)] == [
        f"e{number}" for number in range(101)
    ]
    assert Trial(whole).tried("e101", dict.fromkeys(whole.extensions, b"")).findings == []
    (finding,) = Trial(replace(whole, extensions=chain(1))).tried("e0", {"e0": b""}).findings
    assert finding.code == "L020"


def test_a_long_chain_takes_a_step_for_each_extension(tmp_path: Path) -> None:
    """In whatever order they are asked for, what one needs isn't walked through again."""
    made = plan_of(Workshop(tmp_path, [SMALL], base=base_elf(heap=8192)))

    def case(size: int) -> Callable[[], object]:
        long = replace(made, extensions=chain(size))
        return lambda: (long.order(long.extensions), [*map(long.is_tried, long.extensions)])

    assert growth(case, 200) < LINEAR


@pytest.mark.parametrize("little", [True, False])
def test_the_target_has_the_byte_order_of_the_base_image(*, little: bool) -> None:
    """A big-endian blob isn't ELF to a little-endian one."""
    data = elf(machine=94, little=little, file_type=ET_EXEC)
    offered = Offered(symbols={}, image=image(data, "base.elf"))
    assert target_of(Settings(), offered, None)[0].little is little
