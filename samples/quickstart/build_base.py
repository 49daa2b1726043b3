# SPDX-License-Identifier: Apache-2.0
"""Build the base image of the quickstart with GCC or with the zig of the `ziglang` package.

    python build_base.py --exports build/llext --output build/base.elf

needs nothing but Python's standard library and one of the compilers. `--exports` is the folder
where `west-llext exports` put `llext_exports.c` and `llext_exports.h`.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = ("start.c", "semihosting.c", "printk.c", "libc.c", "main.c")

COMMON = (
    # -fshort-enums: GCC and clang disagree where nobody tells them, and extensions have to agree
    "-mthumb", "-fshort-enums", "-std=gnu11", "-Os", "-g", "-Wall", "-Wextra",
    "-ffreestanding", "-ffunction-sections", "-fdata-sections",
    "-nostdlib", "-Wl,--gc-sections", "-Wl,--entry=reset",
)  # fmt: skip

# -fno-tree-loop-distribute-patterns: or GCC turns the loop of memcpy() into a call of memcpy()
GCC = ("-mcpu=cortex-m3", "-fno-tree-loop-distribute-patterns")
GCC_LIBRARIES = ("-lgcc",)

# zig instruments code and adds unwind tables by default, and links its runtime only if told to
ZIG = (
    "-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3", "-fno-sanitize=undefined",
    "-fno-unwind-tables", "-fno-asynchronous-unwind-tables",
)  # fmt: skip
ZIG_LIBRARIES = ("-lcompiler_rt",)


def main() -> int:
    """Build as the command line says; 0 for success, as the compiler says otherwise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cc", choices=("gcc", "zig"), help="default: gcc where there is one")
    parser.add_argument("--exports", type=Path, required=True, help="folder of llext_exports.c")
    parser.add_argument("--output", type=Path, required=True, help="ELF file to write")
    arguments = parser.parse_args()
    compiler = arguments.cc or default_compiler()
    if compiler is None:
        parser.exit(3, "no compiler: install arm-none-eabi-gcc, or `pip install ziglang`\n")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    command = compile_command(compiler, arguments.exports, arguments.output)
    return subprocess.run(command, cwd=HERE, check=False).returncode


def default_compiler() -> str | None:
    """`gcc` or `zig`, whichever is installed."""
    if shutil.which("arm-none-eabi-gcc"):
        return "gcc"
    return "zig" if importlib.util.find_spec("ziglang") else None


def compile_command(compiler: str, exports: Path, output: Path) -> list[str]:
    """The one command that compiles and links the base image, to be run in this folder."""
    if compiler == "gcc":
        driver, flags, libraries = ["arm-none-eabi-gcc"], GCC, GCC_LIBRARIES
    else:
        driver, flags, libraries = [sys.executable, "-m", "ziglang", "cc"], ZIG, ZIG_LIBRARIES
    exports = exports.resolve()
    return [
        *driver, *flags, *COMMON,
        # so that it doesn't matter where the folders are
        f"-ffile-prefix-map={HERE}=.", f"-ffile-prefix-map={exports}=exports",
        "-Iinclude", f"-I{exports}",
        *(f"base/{name}" for name in SOURCES), str(exports / "llext_exports.c"),
        "-Wl,-T,base/mps2-an385.ld",
        "-o", str(output.resolve()), *libraries,
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
