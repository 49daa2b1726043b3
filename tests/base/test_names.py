# SPDX-License-Identifier: Apache-2.0
"""Symbols that nobody wrote, in words."""

from __future__ import annotations

import re

import pytest
from support.cross import output, tool

from west_llext.base.names import about, node_paths
from west_llext.model.base import Origin

#: As scripts/dts/gen_defines.py writes it.
HEADER = """\
/* Node's full path: */
#define DT_N_PATH "/"
#define DT_N_ORD 0
#define DT_N_ORD_STR_SORTABLE 00000
#define DT_N_S_soc_S_uart_40004000_PATH "/soc/uart@40004000"
#define DT_N_S_soc_S_uart_40004000_ORD 12
#define DT_N_S_soc_S_uart_40004000_P_reg_PATH_X "no"
#define DT_N_S_lost_ORD 13
#define DT_N_S_lost_ORD 99999999999999999999
"""
NODES = {0: "/", 12: "/soc/uart@40004000"}


def test_nodes_have_numbers_in_the_generated_header() -> None:
    """PATH and ORD of the same macro belong together."""
    assert node_paths(HEADER) == NODES
    assert node_paths("") == {}


@pytest.mark.parametrize(
    ("origin", "words", "name"),
    [
        (Origin.DEVICE, "the device of node '/soc/uart@40004000'", "__device_dts_ord_12"),
        (
            Origin.DEVICE,
            "the device of the devicetree node with number 77",
            "__device_dts_ord_77",
        ),
        (Origin.SYSCALL, "the system call 'k_sleep'", "z_impl_k_sleep"),
        (Origin.SYSCALL, "the entry of system call 'k_sleep'", "z_mrsh_k_sleep"),
        *(
            (Origin.HELPER, "a compiler helper", name)
            for name in (
                *("__aeabi_uldivmod", "__aeabi_memclr4", "__divdi3", "__udivmoddi4", "__muldf3"),
                *("__fixdfsi", "__floatunsidf", "__clzsi2", "__ashldi3", "__popcountsi2"),
                *("__atomic_load_8", "__sync_synchronize", "__riscv_save_0", "__extendsfdf2"),
                *("__gnu_thumb1_case_uqi", "__negdi2", "__cmpdi2", "__unorddf2", "__bswapsi2"),
            )
        ),
        *(
            (Origin.DESTRUCTORS, "for destructors of static objects", name)
            for name in ("atexit", "__cxa_atexit", "__aeabi_atexit", "__dso_handle")
        ),
        (Origin.LANGUAGE, "in place of a pure virtual function", "__cxa_pure_virtual"),
        *((Origin.LANGUAGE, "for 'new'", name) for name in ("_Znwj", "_Znam")),
        *(
            (Origin.LANGUAGE, "for 'delete' and virtual destructors", name)
            for name in ("_ZdlPv", "_ZdlPvj", "_ZdaPvm")
        ),
        *(
            (Origin.SOURCE, None, name)
            for name in (
                *("printk", "__divider", "__add_things", "z_implement", "__device_dts_ord_"),
                *("__device_dts_ord_x", "__fixed_table", "my_z_impl_x", "__negotiate"),
            )
        ),
    ],
)
def test_what_a_name_stands_for(origin: Origin, words: str | None, name: str) -> None:
    """By the rules of Zephyr's scripts, and by the names in compilers' libraries."""
    assert about(name, NODES.get) == (origin, words)


@pytest.mark.cross
def test_the_names_in_libgcc_are_helpers() -> None:
    """What the compiler's own library defines; a few are internal to it."""
    import subprocess

    from support.cross import tool

    path = subprocess.run(
        [tool("gcc"), "-mcpu=cortex-m0", "-mthumb", "-print-libgcc-file-name"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    listed = subprocess.run(
        [tool("nm"), "-g", "--defined-only", path], check=True, capture_output=True, text=True
    ).stdout
    names = {line.split()[2] for line in listed.splitlines() if len(line.split()) == 3}
    called = {each for each in names if each.startswith("__aeabi_") or each.endswith(("i2", "f2"))}
    assert len(called) > 100
    unknown = {each for each in called if about(each, NODES.get)[0] is not Origin.HELPER}
    assert len(unknown) <= len(called) // 10, sorted(unknown)


@pytest.mark.cross
@pytest.mark.parametrize("flags", [[], ["-march=armv6-m"], ["-mfloat-abi=soft", "-marm"]], ids=str)
def test_every_helper_of_the_compilers_library_is_known(flags: list[str]) -> None:
    """All functions of libgcc but those for C++, coverage and nested functions."""
    library = output(tool("gcc"), *flags, "-print-libgcc-file-name").strip()
    listed = output(tool("nm"), "--defined-only", "-g", library).splitlines()
    names = {line.split()[2] for line in listed if len(line.split()) == 3 and " T " in line}
    arithmetic = {each for each in names if re.match(r"__(aeabi_(?!unwind)|\w*[ds][if]\d$)", each)}
    assert len(arithmetic) > 60
    assert {each for each in arithmetic if about(each, NODES.get)[0] is not Origin.HELPER} == set()


@pytest.mark.parametrize(
    "name", ["__gnu_mcount_nc", "__aeabi_atexit", "__aeabi_unwind_cpp_pr0", "__divide", "memcpy"]
)
def test_what_the_compilers_library_does_not_have_is_not_sought_there(name: str) -> None:
    """Those come from a C or C++ library, or from nowhere."""
    assert about(name, NODES.get)[0] is not Origin.HELPER
