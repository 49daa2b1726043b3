# SPDX-License-Identifier: Apache-2.0
"""Why the base image lacks a symbol, and what it has that looks alike."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.elfbuild import ET_EXEC, LOCAL, NOBITS, SHF_WRITE, Sec, Seg, Sym, elf

from west_llext.base.image import image
from west_llext.base.layout import HEAPS, load_window
from west_llext.base.why import nearest, offer
from west_llext.diagnostics import Span
from west_llext.model.base import Abi, BaseImage, Origin, Reason, SymbolIndex, Why
from west_llext.model.elf import Ident
from west_llext.model.manifest import Condition, ExportGroup, Name

AT = Span(PurePath("llext.yml"), 7, 11)
GROUPS = (
    ExportGroup(group=None, symbols=(Name("printk"), Name("forgotten"))),
    ExportGroup(
        group="sensors", symbols=(Name("sensor_read"),), when=Condition(text="CONFIG_S", at=AT)
    ),
    ExportGroup(
        group="always", symbols=(Name("sometimes"),), when=Condition(text="CONFIG_Y", at=AT)
    ),
    ExportGroup(
        group="never", symbols=(Name("sometimes"),), when=Condition(text="CONFIG_S", at=AT)
    ),
)


def holds(condition: Condition) -> bool:
    """A configuration in which only CONFIG_Y is set."""
    return condition.text == "CONFIG_Y"


def base(exports: Mapping[str, int] | None) -> BaseImage:
    """An image that defines some symbols and exports what is given."""
    names = ["printk", "k_uptime_get", "k_uptime_ticks", "sensor_read"]
    rows = {name: row for row, name in enumerate(names)}
    ident = Ident(machine=40, bits=32, little=True, flags=0)
    return BaseImage(
        name="zephyr.elf",
        digest="",
        abi=Abi(ident=ident),
        symbols=SymbolIndex(
            find=lambda _: dict(rows), raw=bytes(16 * len(rows)), bits=32, order="<"
        ),
        exports=exports,
        local=frozenset({"uptime_helper", "__aeabi_memclr"}),
        hidden=frozenset({"__aeabi_memclr"}),
    )


REASONS = [
    ("k_uptime_get", Why(reason=Reason.NOT_EXPORTED)),
    ("uptime_helper", Why(reason=Reason.STATIC)),
    (
        "__aeabi_memclr",
        Why(reason=Reason.HIDDEN, origin=Origin.HELPER, about="a compiler helper"),
    ),
    ("forgotten", Why(reason=Reason.NOT_BUILT_IN)),
    ("sometimes", Why(reason=Reason.NOT_BUILT_IN)),
    (
        "sensor_read",
        Why(reason=Reason.SWITCHED_OFF, group="sensors", when="CONFIG_S", at=AT),
    ),
    ("k_uptime_gt", Why(reason=Reason.ABSENT, nearest=("k_uptime_get",))),
    ("nothing_like_it", Why(reason=Reason.ABSENT)),
]


@pytest.mark.parametrize(("name", "expected"), REASONS)
def test_each_reason_is_told(name: str, expected: Why) -> None:
    """From the manifest first: a group that is off says more than a symbol that isn't there."""
    found = offer(base({"printk": 1}), GROUPS, holds)
    assert "printk" in found.exported
    assert name not in found.exported
    assert found.why(name) == expected


def test_without_a_table_the_manifest_says_what_is_exported() -> None:
    """A base that this tool doesn't know the table of, and no base at all."""
    expected = {"printk", "forgotten", "sometimes"}
    without_table = offer(base(None), GROUPS, holds)
    without_base = offer(None, GROUPS, holds)
    asked = [*expected, "sensor_read", "k_uptime_get"]
    for found in (without_table, without_base):
        assert {name for name in asked if name in found.exported} == expected
    assert without_base.symbol("printk") is None
    assert without_table.symbol("printk") is not None
    assert without_base.why("printkk") == Why(reason=Reason.ABSENT, nearest=("printk",))
    assert without_base.why("k_uptime_get") == Why(reason=Reason.ABSENT)


def test_names_that_can_be_had_come_first() -> None:
    """Of two that are as near, the exported one is the better advice."""
    assert nearest("abcd1", {"abcd3": 1}, {"abcd2": 1, "abcd3": 2}) == ("abcd3", "abcd2")


@given(st.text("abcdefghij_0123456789", min_size=4, max_size=40), st.data())
def test_any_single_slip_is_found(name: str, data: st.DataObject) -> None:
    """A letter left out, doubled, replaced or swapped with its neighbour, wherever it is."""
    at = data.draw(st.integers(0, len(name) - 1))
    letter = data.draw(st.sampled_from("abcxyz_0129"))
    slips = {
        name[:at] + name[at + 1 :],
        name[:at] + letter + name[at:],
        name[:at] + letter + name[at + 1 :],
        name[:at] + name[at + 1 : at + 2] + name[at : at + 1] + name[at + 2 :],
    }
    for slip in slips - {name}:
        assert nearest(slip, {name: 0, "zzzz_unrelated": 1}) == (name,)


def test_names_that_are_only_alike_are_not_offered() -> None:
    """No advice is better than bad advice."""
    assert nearest("k_sem_take", {"uart_poll_out": 0, "sem": 1, "": 2}) == ()
    assert nearest("", {"a": 0}) == ()


@pytest.mark.parametrize(
    "name",
    [
        "zephyr_subsys_17_functn_5000",
        "xzephyr_subsis_1_function_77",
        "memcpyy",
        "zephyr_",
        "q" * 400,
    ],
)
def test_many_names_are_searched_quickly(name: str) -> None:
    """A base image has up to 200,000; the claim is 50 ms, the test leaves room for slow hosts."""
    pool = {f"zephyr_subsys_{number % 100}_function_{number}": 0 for number in range(200_000)}
    begin = time.process_time()
    found = nearest(name, {}, pool)
    assert time.process_time() - begin < 0.4
    assert len(found) <= 3


def test_a_brief_explanation_searches_for_nothing() -> None:
    """It says the same otherwise."""
    offered = offer(None, (), lambda _: True)
    assert offered.briefly("printkk") == replace(offered.why("printkk"), nearest=())


def test_names_that_nobody_types_have_no_neighbours() -> None:
    """Every spelling with one slip of a name of 4096 letters would fill two gigabytes."""
    begin = time.process_time()
    assert nearest("x" * 4096, {"x" * 4095: 0}) == ()
    assert time.process_time() - begin < 0.1
    assert nearest("x" * 128, {"x" * 127: 0}) == ("x" * 127,)


def linked(symbols: list[Sym], *, flags: int = 6) -> BaseImage:
    """An image with memory at 0x8000 (code) and 0x20000000 (data)."""
    return image(
        elf(
            file_type=ET_EXEC,
            sections=[
                Sec(name=".text", addr=0x8000, size=16),
                Sec(name=".bss", addr=0x20000000, type=NOBITS, flags=SHF_WRITE | 2, size=0x4000),
            ],
            symbols=symbols,
            segments=[Seg(sections=[".text"], flags=5), Seg(sections=[".bss"], flags=flags)],
        ),
        "zephyr.elf",
    )


LOADER = Sym(name="llext_load", section=".text", value=0x8000)


@pytest.mark.parametrize("heap", HEAPS)
def test_the_heap_of_the_loader_is_the_window(heap: str) -> None:
    """Names by release and configuration, as the loader's sources define them."""
    found = linked([Sym(name=heap, section=".bss", value=0x20001000, size=0x2000, type=1)])
    assert load_window(found) == (0x20001000, 0x20003000)


def test_two_heaps_are_one_window() -> None:
    """CONFIG_HARVARD: one for code, one for data; regions of an extension lie in both."""
    found = linked(
        [
            Sym(name="kheap_llext_instr_heap", section=".bss", value=0x20000000, size=0x100),
            Sym(name="kheap_llext_data_heap", section=".bss", value=0x20003000, size=0x100),
            Sym(name="kheap_llext_metadata_heap", section=".bss", value=0x10, size=0x100),
        ]
    )
    assert load_window(found) == (0x20000000, 0x20003100)


def test_without_a_heap_the_writable_memory_is_the_window() -> None:
    """CONFIG_LLEXT_HEAP_DYNAMIC: the application hands over a part of its memory."""
    unsized = Sym(name="kheap_llext_heap", section=".bss", value=0x20001000, binding=LOCAL)
    assert load_window(linked([unsized, LOADER])) == (0x20000000, 0x20004000)
    assert load_window(linked([unsized])) is None


def test_without_writable_memory_nothing_is_known() -> None:
    """An image of code alone."""
    assert load_window(linked([LOADER], flags=4)) is None


def test_a_function_of_c_is_found_where_cpp_needs_it() -> None:
    """By the name in the symbol (Itanium C++ ABI, 5.1.2), whether it is exported or not."""
    why = offer(base({"printk": 1}), GROUPS, holds).why
    assert why("_Z6printkPKcz") == Why(reason=Reason.ABSENT, nearest=("printk",))
    assert why("_Z12k_uptime_getv") == Why(reason=Reason.ABSENT, nearest=("k_uptime_get",))
    assert why("_ZN1a6printkEPKcz").nearest == ()
    assert offer(None, GROUPS, holds).briefly("_Z9sometimesv").nearest == ("sometimes",)
