# SPDX-License-Identifier: Apache-2.0
"""Which settings of a base image's Kconfig the modelled target takes over, and what they make."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.elfbuild import ET_EXEC, SHF_ALLOC, SHF_WRITE, Sec, Seg, Sym, elf

from west_llext.app import load_settings
from west_llext.app.load_settings import Offered, Settings, storage_of, target_of
from west_llext.base.image import image
from west_llext.loader.storage import Storage
from west_llext.loader.target import HeapPlan, Protection, Target, Veneers
from west_llext.model.base import BaseImage

DOCS = Path(__file__).parents[2] / "docs" / "loader.md"
HEAPS = {
    "kheap_llext_heap": (0x20000100, 8192),
    "kheap_llext_metadata_heap": (0x20004000, 2048),
    "_sys_mem_blocks_buf_llext_ext_heap": (0x20005000, 4096),
    "kheap_llext_data_heap": (0x20006000, 3072),
    "kheap_llext_instr_heap": (0x20007000, 1024),
}


def base(*settings: str) -> BaseImage:
    """An image of release 4.4 with its heaps, and these settings: `NAME` or `NAME=value`."""
    # blocks take the place of the heap for data
    other = "_sys_mem" if "LLEXT_HEAP_MEMBLK" not in settings else "kheap_llext_data"
    symbols = [
        Sym(name=name, value=place, size=size, type=1, section=".data")
        for name, (place, size) in HEAPS.items()
        if not name.startswith(other)
    ]
    data = elf(
        file_type=ET_EXEC,
        sections=[Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, addr=0x20000000, size=0x8000)],
        symbols=symbols,
        segments=[Seg(sections=[".data"], flags=6)],
    )
    parts = (each.partition("=") for each in settings)
    config = {f"CONFIG_{name}": value or "y" for name, _, value in parts}
    return replace(image(data, "zephyr.elf"), config=config, zephyr_version="4.4.0")


def made(*settings: str, **told: Any) -> Target:
    """The target that is modelled for them."""
    offered = Offered(symbols={}, image=base(*settings))
    return target_of(Settings(**told), offered, None)[0]


@pytest.mark.parametrize(
    ("settings", "rule", "page"),
    [
        ((), Protection.NONE, 32),
        (("MMU", "MMU_PAGE_SIZE=0x1000"), Protection.MMU, 4096),
        (("ARM_MPU", "MPU_REQUIRES_POWER_OF_TWO_ALIGNMENT"), Protection.POWER_OF_TWO, 32),
        (("ARM_MPU",), Protection.PAGE, 32),
        (("ARC_MPU", "ARC_MPU_VER=2"), Protection.PAGE, 2048),
        (("RISCV_PMP", "PMP_GRANULARITY=8"), Protection.PMP, 8),
        (("USERSPACE",), Protection.OTHER, 32),
    ],
)
def test_memory_protection(settings: tuple[str, ...], rule: Protection, page: int) -> None:
    """As subsys/llext/llext_mem.c asks for them, in its order."""
    found = made(*settings)
    assert (found.protection, found.page) == (rule, page)


@pytest.mark.parametrize(
    ("settings", "member", "value"),
    [
        (("USERSPACE",), "userspace", True),
        (("MAX_DOMAIN_PARTITIONS=8",), "partitions", 8),
        (("LLEXT_EXPORT_BUILTINS_BY_SLID",), "by_slid", True),
        (("LLEXT_IMPORT_ALL_GLOBALS",), "all_globals", True),
        (("LLEXT_EXPORT_DEVICES",), "devices", True),
        (("HARVARD",), "harvard", True),
        (("LLEXT_RODATA_NO_RELOC",), "noreloc", True),
        (("LLEXT_VENEERS",), "veneers", Veneers.BASELINE),
        (("LLEXT_VENEERS", "ARMV7_M_ARMV8_M_MAINLINE"), "veneers", Veneers.MAINLINE),
    ],
)
def test_switches(settings: tuple[str, ...], member: str, value: object) -> None:
    """Each is something else without them."""
    assert getattr(made(*settings), member) == value
    assert getattr(made(), member) != value


def test_the_storage_of_the_default_loader() -> None:
    """LLEXT_BUF_LOADER (include/zephyr/llext/buf_loader.h)."""
    for settings, expected in (
        ((), Storage.TEMPORARY),
        (("LLEXT_STORAGE_WRITABLE",), Storage.WRITABLE),
    ):
        offered = Offered(symbols={}, image=base(*settings))
        assert storage_of(Settings(), offered) is expected
    told = Settings(storage=Storage.PERSISTENT)
    assert storage_of(told, Offered(symbols={})) is Storage.PERSISTENT


@pytest.mark.parametrize(
    ("settings", "plan"),
    [
        (
            ("SYS_HEAP_RUNTIME_STATS",),
            HeapPlan(address=0x20000100, size=8192, statistics=True),
        ),
        (
            ("LLEXT_HEAP_MEMBLK", "LLEXT_HEAP_MEMBLK_BLOCK_SIZE=64"),
            HeapPlan(address=0x20004000, size=2048, block=64, data=(0x20005000, 4096)),
        ),
        (
            ("HARVARD",),
            HeapPlan(address=0x20006000, size=3072, code=(0x20007000, 1024)),
        ),
    ],
)
def test_heaps(settings: tuple[str, ...], plan: HeapPlan) -> None:
    """Where the image has them, and as large."""
    assert made(*settings).heap == plan


def test_heaps_of_no_size_have_that_of_their_setting() -> None:
    """In KiB."""
    known = HEAPS["kheap_llext_heap"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(HEAPS, "kheap_llext_heap", (known[0], 0))
        assert made("LLEXT_HEAP_SIZE=12").heap.size == 12 << 10


def test_what_is_told_counts_more_than_the_configuration() -> None:
    """Every option."""
    found = made(
        *("ARM_MPU", "LLEXT_EXPORT_BUILTINS_BY_SLID"),
        protection=Protection.PMP,
        page=16,
        by_slid=False,
        userspace=True,
        heap_address=0x30000000,
        heap_size=4096,
    )
    assert (found.protection, found.page, found.by_slid, found.userspace) == (
        *(Protection.PMP, 16, False, True),
    )
    assert (found.heap.address, found.heap.size) == (0x30000000, 4096)


def test_every_setting_that_is_read_is_documented() -> None:
    """docs/loader.md lists them."""
    source = Path(load_settings.__file__).read_text(encoding="utf-8")
    read = {*re.findall(r'config, "([A-Z0-9_]+)"\)', source)}
    read |= {*re.findall(r'\("\w+", "(LLEXT_[A-Z_]+)"\)', source)}
    text = DOCS.read_text(encoding="utf-8")
    assert len(read) > 20
    assert [each for each in sorted(read) if f"`{each}`" not in text] == []
