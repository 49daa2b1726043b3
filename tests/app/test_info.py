# SPDX-License-Identifier: Apache-2.0
"""What `info` says of blobs and base images, and whether the one fits the other."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import elfbuild
from support.commands import command
from support.project import SYMBOLS, base_elf, demo_object, project

from west_llext.app.base_info import BaseInfo
from west_llext.app.blob_info import BlobInfo, ImportInfo
from west_llext.app.info import InfoRequest, InfoResult, info
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

HINT = "\nhint: build the extension again, against this base image"


def built(folder: Path, mode: str) -> Path:
    """The blob of a project in a folder."""
    project(folder, mode=mode)
    ran = command("build", folder=folder)
    assert ran.status == 0, ran.err
    return folder / "build" / "llext" / "demo.llext"


def described(path: Path) -> BlobInfo:
    """What is said of a blob."""
    (found,) = info(InfoRequest(files=(path,))).files
    assert isinstance(found, BlobInfo)
    return found


def held_against(folder: Path, blob: Path, base: bytes) -> InfoResult:
    """A blob and a base image."""
    (folder / "new.elf").write_bytes(base)
    return info(InfoRequest(files=(blob,), base=folder / "new.elf"))


def said(result: InfoResult, folder: Path) -> list[str]:
    """Every finding, with paths relative to the folder."""
    return [str(each).replace(f"{folder.as_posix()}/", "") for each in result.findings]


@pytest.mark.parametrize(
    ("mode", "address", "left"),
    [
        # what the link leaves: the call, the word in .data and the two of the exports; see R_ARM_*
        ("relocatable", None, 4),
        ("bound", 0x1001, 2),
        ("prelocated", 0x1001, 0),
    ],
)
def test_a_blob_of_each_mode(mode: str, address: int | None, left: int, tmp_path: Path) -> None:
    """Mode, imports, exports and what is left to do for the target."""
    blob = described(built(tmp_path, mode))
    assert blob.mode is Mode(mode)
    assert blob.imports == (ImportInfo(name="printk", address=address, weak=False),)
    assert [each.name for each in blob.exports] == ["demo_run"]
    assert sum(blob.left.values()) == left
    assert (blob.identity is None) is (mode == "relocatable")
    assert blob.regions()[Region.TEXT] >= 8
    assert blob.regions()[Region.DATA] == 4


def test_a_prelocated_blob_says_where_it_is(tmp_path: Path) -> None:
    """The memory of the project begins at 0x100000."""
    blob = described(built(tmp_path, "prelocated"))
    text = next(each for each in blob.sections if each.name == ".text")
    assert text.address == 0x100000
    assert blob.exports[0].value == 0x100001


def test_an_object_is_a_relocatable_blob_without_exports(tmp_path: Path) -> None:
    """Where it comes from can't be told."""
    (tmp_path / "demo.o").write_bytes(demo_object())
    blob = described(tmp_path / "demo.o")
    assert (blob.mode, blob.exports, blob.identity) == (Mode.RELOCATABLE, (), None)
    assert dict(blob.left) == {"R_ARM_ABS32": 1, "R_ARM_THM_CALL": 1}


def test_a_base_image(tmp_path: Path) -> None:
    """Symbols, and where the loader can put extensions."""
    (tmp_path / "base.elf").write_bytes(base_elf())
    (found,) = info(InfoRequest(files=(tmp_path / "base.elf",))).files
    assert isinstance(found, BaseInfo)
    assert found.symbols == len(SYMBOLS) + 1
    assert (found.exports, found.zephyr_version, found.heap) == (None, None, None)
    assert found.window is None


def test_a_base_image_with_zephyrs_loader_loads_into_what_it_writes_to(tmp_path: Path) -> None:
    """Where the loader has no heap of its own; of other loaders nobody knows where theirs is."""
    (tmp_path / "base.elf").write_bytes(base_elf({**SYMBOLS, "llext_load": 0x1031}))
    (found,) = info(InfoRequest(files=(tmp_path / "base.elf",))).files
    assert isinstance(found, BaseInfo)
    assert found.window == (0x20000000, 0x20000010)


def test_a_base_image_in_its_build_directory_has_a_version_and_a_heap(tmp_path: Path) -> None:
    """What Zephyr's build leaves around the image is read without being asked for."""
    folder = tmp_path / "build" / "zephyr"
    (folder / "include" / "generated" / "zephyr").mkdir(parents=True)
    (folder / "zephyr.elf").write_bytes(base_elf())
    (folder / ".config").write_text("CONFIG_LLEXT_HEAP_SIZE=32\n", encoding="utf-8")
    (folder.parent / "CMakeCache.txt").write_text("ZEPHYR_BASE:PATH=/z\n", encoding="utf-8")
    (folder / "include/generated/zephyr/version.h").write_text(
        '#define KERNEL_VERSION_STRING "4.3.0"\n', encoding="utf-8"
    )
    (found,) = info(InfoRequest(files=(folder / "zephyr.elf",))).files
    assert isinstance(found, BaseInfo)
    assert (found.zephyr_version, found.heap) == ("4.3.0", 32)


@pytest.mark.parametrize("mode", ["bound", "prelocated"])
def test_a_base_that_moved_nothing_fits(mode: str, tmp_path: Path) -> None:
    """Symbols that the blob doesn't use may move and go."""
    blob = built(tmp_path, mode)
    result = held_against(tmp_path, blob, base_elf({"printk": 0x1001, "new": 0x1041}))
    assert said(result, tmp_path) == []
    assert [(each.compared, each.findings) for each in result.fits] == [(1, ())]


@pytest.mark.parametrize("mode", ["bound", "prelocated"])
def test_a_moved_symbol_is_named_with_both_addresses(mode: str, tmp_path: Path) -> None:
    """I001."""
    blob = built(tmp_path, mode)
    result = held_against(tmp_path, blob, base_elf({"printk": 0x1031}))
    expected = (
        "build/llext/demo.llext: error[I001]: 'printk' moved from 0x1001 to 0x1031 in 'new.elf'"
    )
    assert said(result, tmp_path) == [expected + HINT]


def test_a_function_that_changed_its_instruction_set_has_moved(tmp_path: Path) -> None:
    """Bit 0 is part of the address of a Thumb function."""
    blob = built(tmp_path, "bound")
    result = held_against(tmp_path, blob, base_elf({"printk": 0x1000}))
    expected = (
        "build/llext/demo.llext: error[I001]: 'printk' moved from 0x1001 to 0x1000 in 'new.elf'"
    )
    assert said(result, tmp_path) == [expected + HINT]


def test_a_symbol_that_is_gone_is_named(tmp_path: Path) -> None:
    """I002."""
    blob = built(tmp_path, "bound")
    result = held_against(tmp_path, blob, base_elf({"printf": 0x1001}))
    expected = (
        "build/llext/demo.llext: error[I002]: 'printk' is gone from 'new.elf', it was at 0x1001"
    )
    assert said(result, tmp_path) == [expected + HINT]


def test_a_relocatable_blob_is_held_against_names(tmp_path: Path) -> None:
    """I005, a warning: another extension may have it."""
    blob = built(tmp_path, "relocatable")
    assert said(held_against(tmp_path, blob, base_elf()), tmp_path) == []
    result = held_against(tmp_path, blob, base_elf({"printf": 0x1001}))
    expected = (
        "build/llext/demo.llext: warning[I005]: 'printk' isn't exported by 'new.elf', so another "
        "extension has to\nhint: build and check with a manifest, which knows the other extensions"
    )
    assert said(result, tmp_path) == [expected]


def test_a_base_of_another_machine_is_not_compared(tmp_path: Path) -> None:
    """Addresses would say nothing."""
    blob = built(tmp_path, "bound")
    riscv = elfbuild.elf(machine=elfbuild.EM_RISCV, file_type=elfbuild.ET_EXEC)
    result = held_against(tmp_path, blob, riscv)
    assert [each.code for each in result.findings] == ["B010"]
    assert result.fits[0].compared == 0


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    """I006: a core file."""
    (tmp_path / "core").write_bytes(elfbuild.elf(file_type=4))
    result = info(InfoRequest(files=(tmp_path / "core",)))
    expected = (
        "core: error[I006]: it is of ELF type 4, expected a blob (1 or 3) or a base image (2)"
    )
    assert said(result, tmp_path) == [expected]
    assert result.files == ()


def test_the_file_for_the_debugger_is_neither_blob_nor_base(tmp_path: Path) -> None:
    """I006, with the file that was meant."""
    blob = built(tmp_path, "prelocated")
    twin = blob.with_suffix(".elf")
    expected = (
        "build/llext/demo.elf: error[I006]: it is the debugger's file of an extension, expected a "
        "blob or a base image\nhint: describe 'demo.llext' instead"
    )
    assert said(info(InfoRequest(files=(twin,))), tmp_path) == [expected]


def test_a_base_image_is_not_held_against_another(tmp_path: Path) -> None:
    """I006: else there would be no word about a file, as if it fitted."""
    (tmp_path / "base.elf").write_bytes(base_elf())
    expected = (
        "base.elf: error[I006]: it is a base image, expected a blob to hold against base image "
        "'base.elf'\n1 error\n"
    )
    ran = command("info", "base.elf", "--base", "base.elf", folder=tmp_path)
    assert ran == (1, expected, "")
