# SPDX-License-Identifier: Apache-2.0
"""Extension development kits: cmake/llext-edk.cmake of Zephyr writes them in two forms."""

from __future__ import annotations

import pytest

from west_llext.base.edk import READ, flags, kit
from west_llext.diagnostics import LlextError

#: Since quotes are written around values.
CMAKE_NEW = (
    "\n# Compile flags\n"
    'set(LLEXT_CFLAGS "-DKERNEL;-DNAME=\\"x y\\";-mcpu=cortex-m3;'
    "-imacros${CMAKE_CURRENT_LIST_DIR}/include/zephyr/a.h;"
    '-I${CMAKE_CURRENT_LIST_DIR}/include/zephyr/include")\n'
    'set(LLEXT_INCLUDE_CFLAGS "-I${CMAKE_CURRENT_LIST_DIR}/include/zephyr/include")\n'
    'set(LLEXT_GENERATED_IMACROS_CFLAGS "")\n'
)
MAKE_NEW = (
    "\n# Compile flags\n"
    'LLEXT_CFLAGS = "-DKERNEL" "-DNAME=\\"x y\\"" "-mcpu=cortex-m3" '
    '"-imacros$(LLEXT_EDK_INSTALL_DIR)/include/zephyr/a.h" '
    '"-I$(LLEXT_EDK_INSTALL_DIR)/include/zephyr/include"\n'
    'LLEXT_INCLUDE_CFLAGS = "-I$(LLEXT_EDK_INSTALL_DIR)/include/zephyr/include"\n'
    'LLEXT_GENERATED_IMACROS_CFLAGS = ""\n'
)
#: Before that; between words there were spaces, or the separators of CMake's lists.
CMAKE_OLD = (
    "set(LLEXT_CFLAGS -DKERNEL;-mcpu=cortex-m3;-I${CMAKE_CURRENT_LIST_DIR}/include;-imacros "
    "${CMAKE_CURRENT_LIST_DIR}/include/a.h)\n\nset(LLEXT_BASE_CFLAGS -DKERNEL)"
)
MAKE_OLD = (
    "LLEXT_CFLAGS = -DKERNEL -mcpu=cortex-m3 -I$(LLEXT_EDK_INSTALL_DIR)/include -imacros "
    "$(LLEXT_EDK_INSTALL_DIR)/include/a.h\n\nLLEXT_BASE_CFLAGS = -DKERNEL"
)
AUTOCONF = """\
#define CONFIG_ARM 1
#define CONFIG_BOARD "mps2_an385"
#define CONFIG_LLEXT_HEAP_SIZE 8
#define CONFIG_FLASH_BASE_ADDRESS 0x0
#define NOT_CONFIG 1
"""
GENERATED = "include/zephyr/include/generated"


@pytest.mark.parametrize("text", [CMAKE_NEW, MAKE_NEW])
def test_flags_of_the_newer_form(text: str) -> None:
    """With the folder in place of its variable, and quotes undone."""
    assert flags(text, "/kit") == (
        "-DKERNEL",
        '-DNAME="x y"',
        "-mcpu=cortex-m3",
        "-imacros/kit/include/zephyr/a.h",
        "-I/kit/include/zephyr/include",
    )


@pytest.mark.parametrize("text", [CMAKE_OLD, MAKE_OLD])
def test_flags_of_the_older_form(text: str) -> None:
    """Options of two words among them."""
    assert flags(text, "/k i t") == (
        "-DKERNEL",
        "-mcpu=cortex-m3",
        "-I/k i t/include",
        "-imacros",
        "/k i t/include/a.h",
    )


def test_variables_of_the_file_itself() -> None:
    """Makefiles made by hand use them; a circle of them comes to an end."""
    text = "BASE = -DA\nLLEXT_CFLAGS = $(BASE) $(LOOP)\nLOOP = $(LOOP)x\n"
    found = flags(text, "/kit")
    assert found is not None
    assert found[0] == "-DA"


@pytest.mark.parametrize("place", [GENERATED, f"{GENERATED}/zephyr"])
def test_a_kit_knows_settings_and_version(place: str) -> None:
    """Headers that Zephyr's build generates; their folder has moved."""
    files = {
        "cmake.cflags": CMAKE_NEW,
        f"{place}/autoconf.h": AUTOCONF,
        f"{place}/version.h": '#define KERNEL_VERSION_STRING "4.3.0"\n',
    }
    assert set(files) <= set(READ)
    found = kit(files.get, "/kit", "kit")
    assert found.zephyr_version == "4.3.0"
    assert found.config == {
        "CONFIG_ARM": "y",
        "CONFIG_BOARD": "mps2_an385",
        "CONFIG_LLEXT_HEAP_SIZE": "8",
        "CONFIG_FLASH_BASE_ADDRESS": "0x0",
    }


def test_the_file_for_make_does_where_there_is_no_other() -> None:
    """Both say the same."""
    assert kit({"Makefile.cflags": MAKE_NEW}.get, "/kit", "kit").words[0] == "-DKERNEL"
    assert kit({"Makefile.cflags": MAKE_NEW}.get, "/kit", "kit").config == {}


def test_what_is_no_kit() -> None:
    """The hint is the command that makes one."""
    with pytest.raises(LlextError) as caught:
        kit({}.get, "/kit", "vendor/kit")
    assert str(caught.value) == (
        "vendor/kit: error[B033]: 'vendor/kit' is no extension development kit: it has no "
        "'cmake.cflags'\nhint: make one: west build -t llext-edk"
    )


def test_a_kit_without_flags() -> None:
    """Somebody has cut them out."""
    with pytest.raises(LlextError) as caught:
        kit({"cmake.cflags": "set(OTHER x)\n"}.get, "/kit", "kit")
    assert str(caught.value) == (
        "kit: error[B034]: 'kit': its 'cmake.cflags' sets no LLEXT_CFLAGS, so that no flags are "
        "known"
    )
