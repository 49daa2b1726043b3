# SPDX-License-Identifier: Apache-2.0
"""An extension that needs the flags and headers of its base image, and where they can come from."""

from __future__ import annotations

import json
from pathlib import Path

#: A source that compiles only with what its flags have to bring.
SOURCE = """\
#include <zephyr/kernel.h>
#if !defined(LL_EXTENSION_BUILD) || FLAVOUR != 3 || CONFIG_ANSWER != 42
#error flags
#endif
#ifdef __OPTIMIZE_SIZE__
#error optimised for size
#endif
int demo_run(void) { return KERNEL_NUMBER; }
"""
SOURCES = """\
version: 1
base: {base}
extensions:
  - name: demo
    sources: [demo.c]
    exports: [demo_run]
"""


def zephyr(folder: Path) -> tuple[Path, Path]:
    """Folders of Zephyr's headers, and of those that its build generates."""
    sources, made = folder / "ws" / "zephyr" / "include", folder / "ws" / "generated"
    for path, text in (
        (sources / "zephyr" / "kernel.h", "#define KERNEL_NUMBER 7\n"),
        (made / "autoconf.h", "#define CONFIG_ANSWER 42\n"),
    ):
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    return sources, made


def commands(folder: Path) -> str:
    """A compilation database with the application's source in it."""
    sources, made = zephyr(folder)
    flags = (
        f"-DFLAVOUR=3 -I{sources} -imacros {made}/autoconf.h -O2 -mcpu=cortex-m3 -mthumb "
        "-ffunction-sections -fdiagnostics-color=always -Werror"
    )
    command_line = f"arm-none-eabi-gcc {flags} -o main.o -c {folder}/app/main.c"
    entry = {"directory": str(folder), "file": f"{folder}/app/main.c", "command": command_line}
    return json.dumps([entry])


def kit_files(folder: Path) -> dict[str, bytes]:
    """The same as a kit."""
    sources, made = zephyr(folder)
    prefix = "${CMAKE_CURRENT_LIST_DIR}/include/zephyr/include"
    flags = (
        f"-DFLAVOUR=3;-O1;-mcpu=cortex-m3;-mthumb;-mlong-calls;-imacros{prefix}/generated/zephyr/"
        f"autoconf.h;-I{prefix}"
    )
    return {
        "my-kit/cmake.cflags": f'set(LLEXT_CFLAGS "{flags}")\n'.encode(),
        "my-kit/include/zephyr/include/zephyr/kernel.h": (
            sources / "zephyr" / "kernel.h"
        ).read_bytes(),
        "my-kit/include/zephyr/include/generated/zephyr/autoconf.h": (
            made / "autoconf.h"
        ).read_bytes(),
        "my-kit/include/zephyr/include/generated/zephyr/version.h": (
            b'#define KERNEL_VERSION_STRING "4.3.0"\n'
        ),
    }


def with_source(folder: Path, base: str) -> None:
    """A project whose extension is compiled."""
    (folder / "demo.c").write_text(SOURCE, encoding="utf-8")
    (folder / "llext.yml").write_text(SOURCES.replace("{base}", base), encoding="utf-8")
