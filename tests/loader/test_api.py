# SPDX-License-Identifier: Apache-2.0
"""Zephyr's API documentation of LLEXT: each entry has its counterpart here, and in docs/loader.md.

The entries were typed from the page "Linkable Loadable Extensions (LLEXT)", API Reference, and from
include/zephyr/llext/llext.h, loader.h, symbol.h, buf_loader.h and inspect.h.
"""

from __future__ import annotations

from dataclasses import fields
from inspect import signature
from pathlib import Path

import pytest

from west_llext.loader.domain import MemDomain
from west_llext.loader.extension import Entry, Llext, LoadParameters, Partition
from west_llext.loader.inspection import Inspection
from west_llext.loader.machines.table import RELOCATE
from west_llext.loader.machines.xtensa import link_section
from west_llext.loader.mem import Mem, mem
from west_llext.loader.storage import BufferLoader, ElfLoader, FileLoader, Storage
from west_llext.loader.system import System
from west_llext.loader.target import Machine, Target

DOCS = (Path(__file__).parents[2] / "docs" / "loader.md").read_text(encoding="utf-8")

#: Functions, and what stands for them.
FUNCTIONS = {
    "llext_load": System.load,
    "llext_unload": System.unload,
    "llext_by_name": System.by_name,
    "llext_iterate": System.iterate,
    "llext_find_sym": System.find_sym,
    "llext_call_fn": System.call_fn,
    "llext_bringup": System.bringup,
    "llext_teardown": System.teardown,
    "llext_bootstrap": System.bootstrap,
    "llext_get_fn_table": System.fn_table,
    "llext_add_domain": System.add_domain,
    "llext_heap_init": System.heap_init,
    "llext_heap_uninit": System.heap_uninit,
    "llext_free_inspection_data": System.free_inspection_data,
    "llext_find_section": Inspection.find_section,
    "llext_section_shndx": Inspection.section_shndx,
    "llext_get_section_header": Inspection.get_section_header,
    "llext_get_section_info": Inspection.get_section_info,
    "llext_get_region_info": Inspection.get_region_info,
    "llext_read": ElfLoader.read,
    "llext_seek": ElfLoader.seek,
    "llext_peek": ElfLoader.peek,
    "arch_elf_relocate_local": link_section,
}
#: Members of structures by their names in C, and the class that has them.
MEMBERS: tuple[tuple[str, type, tuple[str, ...]], ...] = (
    (
        "struct llext",
        Llext,
        (
            *("name", "mem", "mem_on_heap", "mem_size", "alloc_size", "sym_tab", "exp_tab"),
            *("use_count", "dependency"),
        ),
    ),
    (
        "struct llext_load_param",
        LoadParameters,
        ("relocate_local", "pre_located", "section_detached", "keep_section_info"),
    ),
    (
        "struct llext_loader",
        ElfLoader,
        ("prepare", "read", "seek", "peek", "finalize", "storage"),
    ),
    ("struct llext_buf_loader", BufferLoader, ("read", "seek", "peek")),
    ("struct llext_fs_loader", FileLoader, ("prepare", "read", "seek", "finalize")),
    ("struct llext_symbol", Entry, ("name", "addr")),
    ("prog_data_size", Inspection, ("prog_data_size",)),
    ("memory partitions", Partition, ("start", "size", "attributes")),
    ("enum llext_mem", Mem, ("text", "data", "bss", "count")),
)


@pytest.mark.parametrize("name", [*FUNCTIONS, *(each for each, _, _ in MEMBERS)])
def test_every_entry_is_documented(name: str) -> None:
    """With the name that it has on the target."""
    assert name in DOCS


@pytest.mark.parametrize(("name", "function"), FUNCTIONS.items())
def test_functions_have_the_names_of_the_targets(name: str, function: object) -> None:
    """Without the prefix, and with its own documentation."""
    assert callable(function)
    assert function.__doc__
    own = name.removeprefix("llext_").removeprefix("get_")
    if name.startswith("llext_"):
        assert getattr(function, "__name__", "").removeprefix("get_") == own
    assert signature(function).parameters


@pytest.mark.parametrize(("name", "made", "members"), MEMBERS)
def test_members_have_the_names_of_the_targets(
    name: str, made: type, members: tuple[str, ...]
) -> None:
    """Each of them is there, and documented with the structure."""
    assert name in DOCS
    for each in members:
        assert hasattr(made, each) or each in {*getattr(made, "__annotations__", ())}, each


def test_parameters_are_keywords_of_one_structure() -> None:
    """No parameter of a load is anywhere else."""
    assert [each.name for each in fields(LoadParameters)] == [
        *("relocate_local", "pre_located", "section_detached", "keep_section_info")
    ]


def test_regions_have_the_order_of_the_enumeration() -> None:
    """`enum llext_mem` of 4.3: text, data, rodata, bss, export, three tables, three arrays."""
    assert mem().names == (
        *("text", "data", "rodata", "bss", "export", "symtab", "strtab", "shstrtab"),
        *("preinit", "init", "fini"),
    )
    assert mem().count == 11


def test_every_kind_of_storage_is_there() -> None:
    """`enum llext_storage_type`."""
    assert [each.name for each in Storage] == ["TEMPORARY", "PERSISTENT", "WRITABLE"]


def test_every_processor_has_its_relocations() -> None:
    """`arch_elf_relocate`, also where it refuses everything."""
    assert {*RELOCATE} == {*Machine}


def test_a_domain_takes_partitions_until_it_is_full() -> None:
    """-EINVAL for none, -ENOSPC for one too many (k_mem_domain_add_partition)."""
    domain = MemDomain(address=0x20000000, most=1)
    part = Partition("text", 0x1000, 32, "P_RX_U_RX")
    assert [domain.add_partition(each) for each in (part._replace(size=0), part, part)] == [
        *(-22, 0, -28)
    ]


def test_the_base_images_table_keeps_its_order() -> None:
    """`struct llext_const_symbol`: names to addresses."""
    names = [each.name for each in fields(Target)]
    assert "symbols" in names
