# SPDX-License-Identifier: Apache-2.0
"""What Zephyr's flags become for extensions (LLEXT_REMOVE_FLAGS of its compiler files)."""

from __future__ import annotations

import pytest

from west_llext.base.extension_flags import abi_flags, extension_flags

ARM = {"CONFIG_ARM": "y"}


@pytest.mark.parametrize(
    "flag",
    [
        *("-fno-pic", "-fno-pie", "-fPIC", "-ffunction-sections", "-fdata-sections"),
        *("-mlong-calls", "-mno-relax", "-msmall-data-limit=0", "-fdiagnostics-color=always"),
        *("-fmacro-prefix-map=/ws=WEST_TOPDIR", "-flto", "-flto=auto", "-Werror", "--coverage"),
        *("-fsanitize=address", "-fstack-usage", "-save-temps=obj", "-fno-lto"),
    ],
)
def test_flags_that_go(flag: str) -> None:
    """On every machine."""
    assert extension_flags(["-mthumb", flag, "-Wall"], ARM) == ("-mthumb", "-Wall")


@pytest.mark.parametrize(
    "flag",
    [
        *("-Os", "-O2", "-Og", "-mcpu=cortex-m3", "-mthumb", "-mabi=aapcs", "-mfpu=fpv5-d16"),
        *("-fno-common", "-ffreestanding", "-std=c99", "-Wall", "-Werror=implicit-int"),
        *("-DCONFIG_X=1", "-I/ws/zephyr/include", "-g", "-gdwarf-4", "--sysroot=/opt"),
        *("-fno-strict-aliasing", "-march=rv32imac", "-mcmodel=medany", "-fshort-enums"),
    ],
)
def test_flags_that_stay(flag: str) -> None:
    """What decides about the ABI, and what the user sees of the base image."""
    assert extension_flags([flag], ARM) == (flag,)


@pytest.mark.parametrize("machine", ["RISCV", "ARM64", "XTENSA"])
def test_debug_information_goes_where_zephyr_drops_it(machine: str) -> None:
    """Its `-g.*` for these machines; not what only begins so."""
    words = ["-g", "-g3", "-ggdb3", "-gdwarf-4", "-gz=zlib", "-gsplit-dwarf", "-O2"]
    assert extension_flags(words, {f"CONFIG_{machine}": "y"}) == ("-O2",)
    assert extension_flags(words, {f"CONFIG_{machine}": "n"}) == tuple(words)


def test_the_core_of_xtensa_is_that_of_the_toolchain() -> None:
    """Its `-mcpu=.*`."""
    assert extension_flags(["-mcpu=x", "-mlongcalls"], {"CONFIG_XTENSA": "y"}) == ("-mlongcalls",)


def test_flags_for_every_compiler_name_no_folder() -> None:
    """A description keeps them."""
    words = (
        *("-DKERNEL", "-I/ws", "-mcpu=cortex-m4", "-mthumb", "-mlong-calls", "-mtune=native"),
        *("-mfloat-abi=hard", "-fshort-enums", "-fno-common", "-O2", "-march=rv32i", "-mabi=ilp32"),
        *("-mno-relax", "-std=c99", "-funsigned-char"),
    )
    assert abi_flags(words) == (
        *("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-fshort-enums", "-fno-common"),
        *("-march=rv32i", "-mabi=ilp32", "-funsigned-char"),
    )
