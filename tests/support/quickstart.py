# SPDX-License-Identifier: Apache-2.0
"""The quickstart sample, built: its base image, and its extensions as GNU ld links them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from west_llext.elf.read import file_content, object_file
from west_llext.emit import exports_c, exports_h
from west_llext.model.manifest import ExportGroup, Name

from . import gnublob
from .cross import tool

SAMPLE = Path(__file__).parents[2] / "samples" / "quickstart"

#: Where the extensions lie here: code and data of each, inside the sample's memories.
PLACES = {
    "mathlib": (0x21000000, 0x21040000),
    "filters": (0x21002000, 0x21041000),
    "counter": (0x21004000, 0x21042000),
    "hello": (0x21006000, 0x21043000),
}
_COMPILERS = {
    "gcc": ("arm-none-eabi-gcc", "-mcpu=cortex-m3", "-mthumb", "-ffreestanding"),
    "zig": (
        sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabi",
        "-mcpu=cortex_m3", "-fno-sanitize=undefined", "-fno-unwind-tables",
        "-fno-asynchronous-unwind-tables",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Quickstart:
    """What was built: the base's ELF file, and a blob for each extension by its name."""

    base: Path
    blobs: Mapping[str, Path]


def expected(name: str) -> str:
    """What the sample says that a part of it prints."""
    return (SAMPLE / "expected" / f"{name}.txt").read_text(encoding="utf-8")


def built(folder: Path, compiler: str) -> Quickstart:
    """The sample, its C compiled by `gcc` or `zig`; skips the test where a tool is missing."""
    tool("gcc")
    if compiler == "zig" and importlib.util.find_spec("ziglang") is None:
        pytest.skip("ziglang isn't installed")
    manifest = yaml.safe_load((SAMPLE / "llext.yml").read_text(encoding="utf-8"))
    base = built_base(folder, compiler, manifest["base"]["exports"])
    symbols = {each.name: each.value for each in object_file(file_content(base), "base").symbols}
    imports = {
        name: symbols[name] for group in manifest["base"]["exports"] for name in group["symbols"]
    }
    blobs: dict[str, Path] = {}
    for extension in sorted(manifest["extensions"], key=lambda each: "imports-from" in each):
        name = extension["name"]
        needed = dict(imports)
        if extension.get("compiler-runtime") == "toolchain":
            needed = {each: imports[each] for each in imports if not each.startswith("__aeabi")}
        for provider in extension.get("imports-from", []):
            blob = object_file(file_content(blobs[provider]), provider)
            offered = next(e["exports"] for e in manifest["extensions"] if e["name"] == provider)
            needed.update({each.name: each.value for each in blob.symbols if each.name in offered})
        text, data = PLACES[name]
        blobs[name] = gnublob.linked(
            folder,
            name,
            compiled(folder, compiler, extension["sources"]),
            text=text,
            data=data,
            exports=extension["exports"],
            imports=needed,
        )
    return Quickstart(base=base, blobs=blobs)


def built_base(folder: Path, compiler: str, groups: Sequence[Mapping[str, list[str]]]) -> Path:
    """The sample's base image with the table of these exports, by its own build script."""
    exports = folder / "exports"
    exports.mkdir()
    rows = [
        ExportGroup(group=None, symbols=tuple(Name(each) for each in group["symbols"]))
        for group in groups
    ]
    for name, emitter in (("llext_exports.c", exports_c), ("llext_exports.h", exports_h)):
        text = emitter.text(rows, flavour=exports_c.Flavour.STANDALONE, origin="llext.yml")
        (exports / name).write_text(text, encoding="utf-8", newline="\n")
    base = folder / "base.elf"
    command = [sys.executable, str(SAMPLE / "build_base.py"), "--cc", compiler]
    command += ["--exports", str(exports), "--output", str(base)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return base


def compiled(folder: Path, compiler: str, sources: Sequence[str]) -> list[Path]:
    """Objects of the sample's sources; a warning is an error."""
    objects = []
    for source in sources:
        made = folder / Path(source).with_suffix(".o").name
        command = [*_COMPILERS[compiler], "-Os", "-g", "-Wall", "-Wextra", "-Werror", "-Iinclude"]
        command += ["-c", source, "-o", str(made)]
        done = subprocess.run(command, cwd=SAMPLE, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        objects.append(made)
    return objects
