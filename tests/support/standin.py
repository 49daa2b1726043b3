# SPDX-License-Identifier: Apache-2.0
"""A stand-in for Zephyr's build: what the module needs of it, and nothing else.

Functions and targets have Zephyr's names. The image is compiled by the distribution's cross
compiler, with the macros of tests/support/zephyrlike.py; it can be read, not run. A real tree is
what `make zephyr-test` is for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from . import zephyrlike
from .commands import ROOT, Ran
from .cross import tool

PROJECT = """\
cmake_minimum_required(VERSION 3.20)
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_COMPILER "@GCC@")
set(CMAKE_C_FLAGS "-mcpu=cortex-m3 -mthumb -ffreestanding -O2")
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
project(standin C)

set(APPLICATION_SOURCE_DIR ${CMAKE_SOURCE_DIR})
set(APPLICATION_BINARY_DIR ${CMAKE_BINARY_DIR})
set(PYTHON_EXECUTABLE "@PYTHON@")
set(ZEPHYR_BASE ${CMAKE_SOURCE_DIR} CACHE PATH "")
add_custom_target(zephyr_generated_headers)
add_library(zephyr_interface INTERFACE)
target_include_directories(zephyr_interface INTERFACE ${CMAKE_SOURCE_DIR}/include)
target_compile_definitions(zephyr_interface INTERFACE CONFIG_LLEXT=1)

macro(zephyr_library_named name)
  set(ZEPHYR_CURRENT_LIBRARY ${name})
  add_library(${name} STATIC "")
  set_property(GLOBAL APPEND PROPERTY ZEPHYR_LIBS ${name})
  target_link_libraries(${name} PUBLIC zephyr_interface)
endmacro()
function(zephyr_library_sources)
  target_sources(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endfunction()
function(zephyr_include_directories)
  foreach(each IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH each BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    target_include_directories(zephyr_interface INTERFACE ${each})
  endforeach()
endfunction()

zephyr_library_named(app)
zephyr_library_named(kernel)
target_sources(kernel PRIVATE kernel.c)
set(CONFIG_WEST_LLEXT y)
set(CONFIG_WEST_LLEXT_MANIFEST "@MANIFEST@")
@CONFIG@
file(WRITE ${CMAKE_BINARY_DIR}/zephyr/.config.new "CONFIG_LLEXT=y\\nCONFIG_WEST_LLEXT=y\\n")
configure_file(${CMAKE_BINARY_DIR}/zephyr/.config.new ${CMAKE_BINARY_DIR}/zephyr/.config COPYONLY)
add_subdirectory(@MODULE@ modules/west-llext)

get_property(libraries GLOBAL PROPERTY ZEPHYR_LIBS)
file(WRITE ${CMAKE_BINARY_DIR}/empty.c "")
add_executable(zephyr_prebuilt EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/empty.c)
add_executable(zephyr_final ${CMAKE_BINARY_DIR}/empty.c)
set_target_properties(zephyr_final PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/zephyr OUTPUT_NAME zephyr SUFFIX .elf
  LINK_DEPENDS ${CMAKE_SOURCE_DIR}/image.ld
)
target_link_libraries(zephyr_final PRIVATE
  -nostdlib -Wl,-T,${CMAKE_SOURCE_DIR}/image.ld -Wl,--build-id=none
  -Wl,--whole-archive ${libraries} -Wl,--no-whole-archive
)
target_sources(app PRIVATE main.c)
@MORE@
"""
SCRIPT = """\
ENTRY(main)
SECTIONS {
  .text 0x1000 : { *(.text*) }
  .rodata : { *(.rodata*) }
  llext_const_symbol_area : {
    _llext_const_symbol_list_start = .;
    KEEP(*(SORT_BY_NAME(._llext_const_symbol.static.*)))
    _llext_const_symbol_list_end = .;
  }
  .data 0x20000000 : { *(.data*) }
  .bss : { *(.bss*) *(COMMON) }
}
"""
KERNEL = """\
#include <zephyr/llext/symbol.h>
int printk(const char *text); int printk(const char *text) { return *text; }
EXPORT_SYMBOL(printk);
int k_sleep(int ms); int k_sleep(int ms) { return ms; }
int k_yield(void); int k_yield(void) { return 0; }
"""
MAIN = """\
#include <llext_exports.h>
int main(void);
int main(void) { return WEST_LLEXT_EXPORT_COUNT; }
"""
EXTENSION = """\
int printk(const char *text);
int k_sleep(int ms);
int hello_run(void); int hello_run(void) { return printk("x") + k_sleep(1); }
"""
MANIFEST = """\
version: 1
base:
  build-dir: build
  exports: [printk, k_sleep]
extensions:
  - name: hello
    sources: [hello.c]
    exports: [hello_run]
"""


class Standin:
    """A project in a folder, and its build directory."""

    def __init__(self, folder: Path, generator: str, *, release: str = "4.1") -> None:
        """Skips the test where CMake or a tool is missing."""
        for name in ("cmake", "ninja" if generator == "Ninja" else "make"):
            if shutil.which(name) is None:
                pytest.skip(f"{name} isn't installed")
        self.folder = folder
        self.generator = generator
        self.build = folder / "build"
        zephyrlike.include_folder(folder, release, iterable=zephyrlike.LIKE_ZEPHYR)
        for name, text in (
            ("image.ld", SCRIPT),
            ("kernel.c", KERNEL),
            ("main.c", MAIN),
            ("hello.c", EXTENSION),
            ("llext.yml", MANIFEST),
        ):
            (folder / name).write_text(text, encoding="utf-8")

    def project(self, manifest: str = "llext.yml", config: str = "", more: str = "") -> None:
        """Write CMakeLists.txt."""
        text = PROJECT
        for key, value in (
            ("GCC", tool("gcc")),
            ("PYTHON", sys.executable),
            ("MANIFEST", manifest),
            ("MODULE", str(ROOT / "zephyr")),
            ("CONFIG", config),
            ("MORE", more),
        ):
            text = text.replace(f"@{key}@", value)
        (self.folder / "CMakeLists.txt").write_text(text, encoding="utf-8")

    def configure(self) -> Ran:
        """`cmake`."""
        words = ["cmake", "-G", self.generator, "-S", ".", "-B", "build"]
        return self._run([*words, "-DCMAKE_BUILD_TYPE="])

    def make(self, *targets: str) -> Ran:
        """`cmake --build`, of targets or of the default one."""
        words = ["cmake", "--build", "build", "-j", "2"]
        return self._run([*words, *(["--target", *targets] if targets else [])])

    def _run(self, words: Sequence[str]) -> Ran:
        environment = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        done = subprocess.run(
            words,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        return Ran(done.returncode, done.stdout, done.stderr)
