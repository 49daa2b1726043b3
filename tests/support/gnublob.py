# SPDX-License-Identifier: Apache-2.0
"""Prelocated extensions as GNU ld makes them: an input to tests that isn't born of our own link.

The linker writes ET_EXEC; its type is changed to ET_DYN, as prelocated blobs have it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .cross import PREFIX, gcc, tool

_SCRIPT = """\
SECTIONS
{{
    .text {text:#x} : {{ *(.text .text.*) }}
    .rodata : ALIGN(4) {{ *(.rodata .rodata.*) }}
    .exported_sym : ALIGN(4) {{ KEEP(*(.exported_sym)) }}
    .init_array : ALIGN(4) {{ KEEP(*(SORT(.init_array.*) .init_array)) }}
    .data {data:#x} : {{ *(.data .data.*) }}
    .bss : ALIGN(8) {{ *(.bss .bss.* COMMON) }}
    /DISCARD/ : {{ *(.ARM.exidx* .ARM.extab* .comment) }}
}}
"""
_ROW = 'extern const char row_{0}[] __asm__("{1}"); const char name_{0}[] = "{1}";\n'
_TABLE = """\
const struct {{ const char *name; const void *addr; }} rows[]
    __attribute__((section(".exported_sym"), used)) = {{ {} }};
"""

CPU = ("-mcpu=cortex-m3", "-mthumb")


def linked(
    folder: Path,
    name: str,
    objects: Sequence[Path],
    *,
    text: int,
    data: int,
    exports: Sequence[str],
    imports: Mapping[str, int] | None = None,
    cpu: Sequence[str] = CPU,
    prefix: str = PREFIX,
) -> Path:
    """The blob `NAME.llext` in `folder`, with code at `text` and writable data at `data`.

    imports: addresses (bit 0 set for Thumb functions) of symbols that it uses
    """
    script = folder / f"{name}.ld"
    script.write_text(_SCRIPT.format(text=text, data=data), encoding="utf-8")
    rows = "".join(_ROW.format(number, each) for number, each in enumerate(exports))
    entries = ", ".join(f"{{name_{number}, row_{number}}}" for number in range(len(exports)))
    text_of_rows = rows + _TABLE.format(entries)
    table = gcc(folder, text_of_rows, *cpu, name=f"{name}_exports.c", prefix=prefix)
    blob = folder / f"{name}.llext"
    command = [tool("gcc", prefix), *cpu, "-nostdlib", f"-Wl,-T,{script}", "-Wl,--build-id=none"]
    command += [f"-Wl,--defsym={each}={value:#x}" for each, value in (imports or {}).items()]
    command += [*map(str, objects), str(table), "-o", str(blob), "-lgcc", "-Wl,-e,0"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    content = bytearray(blob.read_bytes())
    content[16:18] = (3).to_bytes(2, "little")
    blob.write_bytes(content)
    return blob
