# SPDX-License-Identifier: Apache-2.0
"""Imports between extensions, identities, and objects from wherever, through whole builds."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from support.audit import audited
from support.cross import gcc
from support.sample import COMPILERS, Sample
from support.workshop import SYMBOLS, Part, Workshop, base_elf

Samples = Callable[[str], Sample]

USER = Part(name="user", calls=("printk", "lib_run"), imports_from=("lib",))
LIB = Part(name="lib")


def report(made: Workshop | Sample) -> dict[str, Any]:
    """What llext-build.json says of each extension, by its name."""
    data = json.loads((made.output / "llext-build.json").read_text(encoding="utf-8"))
    return {each["name"]: each for each in data["extensions"]}


def elf(made: Workshop | Sample, name: str) -> ELFFile:
    """A blob, read by another reader."""
    return ELFFile(BytesIO((made.output / f"{name}.llext").read_bytes()))


def section(file: ELFFile, name: str) -> bytes:
    """The bytes of a section."""
    found = file.get_section_by_name(name)
    assert found is not None
    return bytes(found.data())


def bl_target(code: bytes, offset: int, address: int) -> int:
    """Where BL at that place goes (Armv7-M manual, A7.7.18, encoding T1), with the Thumb bit."""
    high, low = struct.unpack_from("<HH", code, offset)
    assert (high >> 11, low >> 14, low >> 12 & 1) == (0b11110, 0b11, 1)
    sign = high >> 10 & 1
    i1, i2 = (1 - (low >> bit & 1 ^ sign) for bit in (13, 11))
    value = sign << 24 | i1 << 23 | i2 << 22 | (high & 0x3FF) << 12 | (low & 0x7FF) << 1
    return address + offset + 4 + value - (sign << 25) | 1


# --- imports from extensions


def test_a_prelocated_import_is_the_provider_s_address(tmp_path: Path) -> None:
    """In the code, in the report, whichever of the two the manifest has first."""
    for parts in ([LIB, USER], [USER, LIB]):
        made = Workshop(tmp_path / parts[0].name, parts)
        made.build()
        found = report(made)
        address = int(found["lib"]["exports"]["lib_run"]["address"], 0)
        assert address & 1
        assert found["user"]["imports"]["extensions"] == {"lib": {"lib_run": hex(address)}}
        code = section(elf(made, "user"), ".text")
        start = int(found["user"]["regions"]["text"]["address"], 0)
        assert bl_target(code, 6, start) == address
        assert bl_target(code, 2, start) == SYMBOLS["printk"]


@pytest.mark.parametrize("mode", ["relocatable", "bound"])
@pytest.mark.parametrize("provider", ["relocatable", "bound", "prelocated"])
def test_other_imports_are_left_to_the_target_by_name(
    mode: str, provider: str, tmp_path: Path
) -> None:
    """It looks them up among the extensions that it has loaded."""
    made = Workshop(tmp_path, [replace(LIB, mode=provider), replace(USER, mode=mode)])
    made.build()
    assert report(made)["user"]["imports"]["extensions"] == {"lib": {"lib_run": None}}
    file = elf(made, "user")
    symbols = {each.name: each for each in file.get_section_by_name(".symtab").iter_symbols()}
    assert symbols["lib_run"]["st_shndx"] == "SHN_UNDEF"
    left = [
        file.get_section_by_name(".symtab").get_symbol(row["r_info_sym"]).name
        for row in file.get_section_by_name(".rel.text").iter_relocations()
    ]
    assert "lib_run" in left


def test_a_prelocated_extension_needs_prelocated_providers(tmp_path: Path) -> None:
    """There is no address to use otherwise."""
    made = Workshop(tmp_path, [replace(LIB, mode="bound"), USER])
    expected = (
        "user.o: error[S008]: extension 'user' needs 'lib_run' (at .text+0x6): 'lib' exports it, "
        "but has no fixed address for a prelocated extension to use\n"
        "hint: set 'mode: prelocated' for 'lib', or another mode for this extension"
    )
    assert [expected] == made.failure()


@pytest.mark.parametrize("mode", ["relocatable", "bound", "prelocated"])
def test_an_import_from_an_extension_that_is_not_listed_is_refused(
    mode: str, tmp_path: Path
) -> None:
    """The target would not look there; the message has the line to add."""
    made = Workshop(tmp_path, [LIB, replace(USER, mode=mode, imports_from=())])
    expected = (
        "user.o: error[S004]: extension 'user' needs 'lib_run' (at .text+0x6): 'lib' exports it, "
        "but 'imports-from' doesn't name it\nhint: add 'imports-from: [lib]'"
    )
    assert [expected] == made.failure()


def test_what_a_provider_does_not_export_is_not_to_be_had(tmp_path: Path) -> None:
    """Though it defines it."""
    made = Workshop(tmp_path, [replace(LIB, exports=()), USER])
    expected = (
        "user.o: error[S016]: extension 'user' needs 'lib_run' (at .text+0x6): 'lib' defines it, "
        "but doesn't export it\nhint: add 'lib_run' to the 'exports' of 'lib'"
    )
    assert [expected] == made.failure()


def test_a_chain_of_prelocated_imports_reaches_its_end(tmp_path: Path) -> None:
    """Each of them has the address of the next."""
    parts = [
        Part(
            name=f"e{number}",
            calls=(f"e{number + 1}_run",) if number < 7 else (),
            imports_from=(f"e{number + 1}",) if number < 7 else (),
        )
        for number in range(8)
    ]
    made = Workshop(tmp_path, parts)
    made.build()
    found = report(made)
    for number in range(7):
        code = section(elf(made, f"e{number}"), ".text")
        start = int(found[f"e{number}"]["regions"]["text"]["address"], 0)
        address = int(found[f"e{number + 1}"]["exports"][f"e{number + 1}_run"]["address"], 0)
        assert bl_target(code, 2, start) == address


def test_digests_are_those_of_the_files(tmp_path: Path) -> None:
    """Of blobs and raw images, as `sha256sum` has them."""
    made = Workshop(tmp_path, [LIB])
    made.build()

    def sha256(name: str) -> str:
        return hashlib.sha256((made.output / name).read_bytes()).hexdigest()

    assert report(made)["lib"]["blob"]["sha256"] == sha256("lib.llext")
    memories = json.loads((made.output / "llext-build.json").read_text("utf-8"))["memories"]
    assert {each["name"]: each["sha256"] for each in memories if each["images"]} == {
        name: {kind: sha256(f"{name}.{kind}") for kind in ("bin", "hex")} for name in ("rom", "ram")
    }


# --- identity


def digest(used: Mapping[str, int]) -> str:
    """The identity as docs/blob-format.md says."""
    rows = [name.encode() + b"\0" + used[name].to_bytes(8, "little") for name in sorted(used)]
    return hashlib.sha256(b"".join(rows)).hexdigest()


@pytest.mark.parametrize("mode", ["bound", "prelocated"])
def test_the_identity_is_that_of_the_symbols_that_are_used(mode: str, tmp_path: Path) -> None:
    """Another base image with the same addresses of these is as good; any other one isn't."""
    made = Workshop(tmp_path, [replace(LIB, mode=mode, calls=("printk", "memcpy"))])
    used = {name: SYMBOLS[name] for name in ("printk", "memcpy")}
    made.build()
    blob = (made.output / "lib.llext").read_bytes()
    assert report(made)["lib"]["identity"] == digest(used)
    # rebuilt, with something new and something unused moved
    made.base = base_elf({**SYMBOLS, "k_uptime_get": 0x1091, "new": 0x1041}, seed=1)
    made.build()
    assert report(made)["lib"]["identity"] == digest(used)
    assert blob == (made.output / "lib.llext").read_bytes()
    made.base = base_elf({**SYMBOLS, "memcpy": 0x1081})
    made.build()
    assert report(made)["lib"]["identity"] == digest({**used, "memcpy": 0x1081})
    assert blob != (made.output / "lib.llext").read_bytes()


def test_a_relocatable_blob_has_no_identity(tmp_path: Path) -> None:
    """Any base image that exports the names will do."""
    made = Workshop(tmp_path, [replace(LIB, mode="relocatable")])
    made.build()
    assert report(made)["lib"]["identity"] is None
    blob = (made.output / "lib.llext").read_bytes()
    made.base = base_elf({name: value + 0x40 for name, value in SYMBOLS.items()})
    made.build()
    assert blob == (made.output / "lib.llext").read_bytes()


# --- objects from wherever


def test_prebuilt_objects_need_neither_compiler_nor_ninja(tmp_path: Path) -> None:
    """No program is looked for where there is one object for each extension."""
    made = Workshop(tmp_path, [LIB, USER, Part(name="free", mode="relocatable")])
    made.write()
    done = audited("build", "-j1", folder=tmp_path, environment={"PATH": ""})
    assert done.status == 0, done.out
    assert [each for each in done.deeds if not each.startswith(("open", "os.re", "os.mk"))] == []
    assert not (made.output / "obj").exists()
    assert {"lib.llext", "user.llext", "free.llext"} <= made.outputs().keys()


def test_relocatable_extensions_need_no_base_image(tmp_path: Path) -> None:
    """The manifest's exports are what the target will offer; more can't be known."""
    made = Workshop(tmp_path, [replace(LIB, mode="relocatable")], base=None)
    assert [str(each) for each in made.warnings()] == []
    made.exports = ["memcpy"]
    expected = (
        "lib.o: error[S001]: extension 'lib' needs 'printk' (at .text+0x2): nothing defines it"
    )
    assert [expected] == made.failure()


def test_without_a_base_image_objects_are_held_against_each_other(tmp_path: Path) -> None:
    """One target can't run both of them."""
    made = Workshop(
        tmp_path,
        [replace(LIB, mode="relocatable"), Part(name="odd", mode="relocatable")],
        base=None,
    )
    made.write()
    (tmp_path / "odd.o").write_bytes(made.parts[1].object(little=False))
    assert [str(each) for each in made.check_as_it_is().findings] == [
        (
            "odd.o: error[B012]: it is big-endian, the object 'lib.o' is little-endian\n"
            "hint: compile with -mlittle-endian"
        )
    ]


@pytest.mark.cross
@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"), "B013"),
        (("-mcpu=cortex-m7", "-mthumb"), "B014"),
        (("-marm", "-mcpu=arm926ej-s"), "B014"),
    ],
    ids=["hard floats", "newer core", "no Thumb core"],
)
def test_an_object_for_another_core_or_float_abi_is_refused(
    flags: tuple[str, ...], code: str, built_sample: Samples, tmp_path: Path
) -> None:
    """By its build attributes: nothing else in it would tell."""
    base = built_sample("gcc").base.read_bytes()
    made = Workshop(tmp_path, [Part(name="lib", mode="bound", exports=("scale",))], base=base)
    made.exports = ()
    made.write()
    source = "float scale(float x) { return x + x; }\n"
    unit = gcc(tmp_path, source, *flags, "-O1", name="lib.c")
    assert unit == tmp_path / "lib.o"
    codes = {each.code for each in made.check_as_it_is().findings}
    assert code in codes


@pytest.mark.parametrize("compiler", COMPILERS)
def test_compiled_and_prebuilt_objects_give_the_same_outputs(
    compiler: str, built_sample: Samples, tmp_path: Path
) -> None:
    """What the link reads is the object, not where it came from."""
    sample = built_sample(compiler)
    root = tmp_path / "prebuilt"
    (root / "build").mkdir(parents=True)
    shutil.copy(sample.base, root / "build" / "base.elf")
    lines = []
    for line in sample.manifest.read_text(encoding="utf-8").splitlines():
        if line.startswith("  - name: "):
            name = line.removeprefix("  - name: ")
            shutil.copy(sample.output / "obj" / name / "merged.o", root / f"{name}.o")
        if "sources:" in line:
            line = f"    objects: [{name}.o]"  # noqa: PLW2901
        if "compiler-runtime:" not in line:
            lines.append(line)
    (root / "llext.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    prebuilt = Sample(root, compiler)
    prebuilt.build()
    assert sample.outputs() == prebuilt.outputs()


def test_the_name_of_a_build_directory_on_the_command_line_is_in_no_output(
    tmp_path: Path,
) -> None:
    """`-d` may be an absolute path; the manifest's own spelling is the same everywhere."""
    made = Workshop(tmp_path / "app", [LIB])
    zephyr = tmp_path / "elsewhere" / "zephyr"
    zephyr.mkdir(parents=True)
    (zephyr / "zephyr.elf").write_bytes(base_elf())
    (zephyr / ".config").write_text("CONFIG_X=y\n", encoding="utf-8")
    (zephyr.parent / "CMakeCache.txt").write_text("A:STRING=b\n", encoding="utf-8")
    made.write()
    (made.root / "base.elf").unlink()
    done = audited("build", "-d", str(zephyr.parent), folder=made.root)
    assert done.status == 0, done.out
    data = json.loads((made.output / "llext-build.json").read_text(encoding="utf-8"))
    assert data["base"]["name"] == "zephyr/zephyr.elf"
    assert not any(os.fsencode(tmp_path) in content for content in made.outputs().values())
    # the configuration is an input as well: nothing to do, until it changes
    again = audited("build", "-d", str(zephyr.parent), folder=made.root)
    assert again.deeds == ()
    (zephyr / ".config").write_text("CONFIG_X=n\n", encoding="utf-8")
    assert audited("build", "-d", str(zephyr.parent), folder=made.root).deeds != ()


def test_build_and_exports_generate_the_same_table(tmp_path: Path) -> None:
    """Else each run of one would make the other, and the base image, work again."""
    made = Workshop(tmp_path / "app", [LIB])
    zephyr = tmp_path / "app" / "out" / "zephyr"
    zephyr.mkdir(parents=True)
    (zephyr / "zephyr.elf").write_bytes(base_elf())
    (zephyr / ".config").write_text("CONFIG_X=y\n", encoding="utf-8")
    (zephyr.parent / "CMakeCache.txt").write_text("A:STRING=b\n", encoding="utf-8")
    made.write()
    text = made.manifest.read_text(encoding="utf-8").replace("image: base.elf", "build-dir: out")
    conditional = "  exports: [{symbols: [printk]}, {group: x, when: CONFIG_X, symbols: [memcpy]}, "
    conditional += "{group: y, when: CONFIG_Y, symbols: [k_uptime_get]}]"
    lines = [conditional if line.startswith("  exports:") else line for line in text.splitlines()]
    made.manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert audited("exports", folder=made.root).status == 0
    before = {name: made.outputs()[name] for name in ("llext_exports.c", "llext_exports.h")}
    assert audited("build", folder=made.root).status == 0
    assert before == {name: made.outputs()[name] for name in before}
    assert b"memcpy" in before["llext_exports.c"]
    assert b"k_uptime_get" not in before["llext_exports.c"]
