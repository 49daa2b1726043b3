# SPDX-License-Identifier: Apache-2.0
"""What extensions run beside, and where they are then: heaps and kernels of base images, chains."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.commands import command
from support.elfbuild import ET_EXEC, FUNC, OBJECT, SHF_ALLOC, Rel, Sec, Seg, Sym, elf
from support.project import SHF_EXECINSTR, THM_CALL, runnable

from west_llext.app.calls import FunctionCall
from west_llext.app.run import RunRequest, beside_of, run

pytest.importorskip("unicorn")

CODE = SHF_ALLOC | SHF_EXECINSTR
#: movs r0, #7; bx lr, and what stops a processor: a wait for an interrupt.
SEVEN, WAIT = "07207047", "30bf7047"


def zephyr_like(*, kernel: str, size: int = 0x2000) -> bytes:
    """A base image with a heap for extensions in its RAM, and two functions.

    kernel: what the symbol of Zephyr's kernel is called here
    """
    code = bytes.fromhex(SEVEN + WAIT)
    return elf(
        file_type=ET_EXEC,
        sections=[
            Sec(name=".text", flags=CODE, addr=0x1000, content=code, align=4),
            Sec(name=".bss", type=8, flags=SHF_ALLOC | 1, addr=0x20000000, size=0x4000, align=8),
        ],
        symbols=[
            Sym(name="sensor_read", value=0x1001, size=4, type=FUNC, section=".text"),
            Sym(name="k_msleep", value=0x1005, size=4, type=FUNC, section=".text"),
            Sym(name=kernel, value=0x20000000, size=64, type=OBJECT, section=".bss"),
            Sym(name="kheap_llext_heap", value=0x20001000, size=size, type=OBJECT, section=".bss"),
        ],
        segments=[Seg(sections=[".text"], flags=5), Seg(sections=[".bss"], flags=6)],
    )


def ran(folder: Path, *words: str) -> Mapping[str, Any]:
    """What `run --json` says."""
    document = json.loads(command("run", "--json", *words, folder=folder).out)
    assert isinstance(document, dict)
    return document


def built(folder: Path, base: bytes, mode: str = "relocatable") -> Path:
    """A project with this base image, built."""
    runnable(folder, mode=mode)
    (folder / "base.elf").write_bytes(base)
    manifest = folder / "llext.yml"
    text = manifest.read_text(encoding="utf-8").replace(", memcpy]", ", k_msleep]")
    manifest.write_text(text, encoding="utf-8")
    done = command("build", "-q", folder=folder)
    assert done.status == 0, done.err
    return folder


@pytest.mark.parametrize("mode", ["relocatable", "bound"])
def test_extensions_are_in_the_heap_of_the_base_image(mode: str, tmp_path: Path) -> None:
    """Inside of its RAM; a function of the base image is executed where it is."""
    made = ran(built(tmp_path, zephyr_like(kernel="_kernel"), mode), "demo:demo_run")
    (call,) = made["result"]["calls"]
    assert call["value"] == 7
    places = {each["name"]: each for each in made["result"]["memory"] if each["image"] == "demo"}
    assert all(0x20001000 <= each["address"] < 0x20003000 for each in places.values())
    assert (places["text"]["access"], places["data"]["access"]) == ("rx", "rw")


def test_a_heap_that_is_too_small_fails_as_on_the_target(tmp_path: Path) -> None:
    """L020: -ENOMEM, for 2 KiB of zeros in a heap of 1 KiB."""
    built(tmp_path, zephyr_like(kernel="_kernel"))
    zeros = Sec(name=".bss", type=8, flags=SHF_ALLOC | 1, size=0x800, align=4)
    text = Sec(name=".text", flags=CODE, content=bytes.fromhex(SEVEN), align=4)
    names = ("demo_run", "demo_add", "demo_count", "demo_first", "demo_fill")
    functions = [Sym(name=each, value=1, size=4, type=FUNC, section=".text") for each in names]
    unit = elf(
        sections=[text, zeros],
        symbols=[*functions, Sym(name="zeros", size=0x800, type=OBJECT, section=".bss")],
    )
    (tmp_path / "demo.o").write_bytes(unit)
    assert command("build", "-q", folder=tmp_path).status == 0
    (tmp_path / "base.elf").write_bytes(zephyr_like(kernel="_kernel", size=0x400))
    done = command("run", "-q", "demo:demo_run", folder=tmp_path)
    assert (done.status, done.out) == (1, "")
    assert "error[L020]: llext_load() of 'demo' returns -12 (ENOMEM)" in done.err


def sleeper(folder: Path, kernel: str) -> Path:
    """A project whose extension calls k_msleep(), which waits in the base image."""
    built(folder, zephyr_like(kernel=kernel))
    unit = elf(
        sections=[
            Sec(
                name=".text",
                flags=CODE,
                content=bytes.fromhex("00b5 fff7feff 00bd"),  # push {lr}; bl; pop {pc}
                align=4,
                relocations=[Rel(offset=2, type=THM_CALL, symbol="k_msleep")],
            )
        ],
        symbols=[
            Sym(name="demo_run", value=1, size=8, type=FUNC, section=".text"),
            Sym(name="k_msleep"),
        ],
    )
    (folder / "demo.o").write_bytes(unit)
    manifest = folder / "llext.yml"
    text = manifest.read_text(encoding="utf-8").replace(
        "[demo_run, demo_add, demo_count, demo_first, demo_fill]", "[demo_run]"
    )
    manifest.write_text(text, encoding="utf-8")
    assert command("build", "-q", folder=folder).status == 0
    return folder


def test_what_touches_the_kernel_is_replaced_where_there_is_one(tmp_path: Path) -> None:
    """Zephyr's kernel has `_kernel`; its start-up hasn't run."""
    (call,) = ran(sleeper(tmp_path, "_kernel"), "demo:demo_run", "1000")["result"]["calls"]
    assert (call["returned"], call["value"]) == (True, 0)


def test_without_a_kernel_the_base_image_does_it_itself(tmp_path: Path) -> None:
    """A hint says how to have it replaced."""
    folder = sleeper(tmp_path, "_colonel")
    done = command("run", "-q", "demo:demo_run", "1000", folder=folder)
    assert done.err == (
        "build/llext/demo.llext: error[X008]: 'demo:demo_run 1000' didn't return: 'k_msleep'+0x2 "
        "(base image) at 0x1006 waits for an interrupt, and there are none\n"
        "hint: let the host do what needs hardware: --stand-in k_msleep\n"
    )
    done = command("run", "-q", "demo:demo_run", "1000", "--stand-in", "k_msleep", folder=folder)
    assert (done.status, done.err) == (0, "")


CHAIN = """\
  - name: {name}
    objects: [{name}.o]
    mode: {mode}
    exports: [{name}_run]
"""


@pytest.mark.parametrize("low", ["relocatable", "bound", "prelocated"])
@pytest.mark.parametrize("high", ["relocatable", "bound"])
def test_what_an_extension_imports_from_is_loaded_first(
    low: str, high: str, tmp_path: Path
) -> None:
    """Whatever their modes; the command names only the last one."""
    runnable(tmp_path)
    head = (tmp_path / "llext.yml").read_text(encoding="utf-8").partition("  - name:")[0]
    place = "    place: {text: ext_ram, rodata: ext_ram, data: ext_ram, bss: ext_ram}\n"
    text = head + CHAIN.format(name="high", mode=high) + "    imports-from: [low]\n"
    text += CHAIN.format(name="low", mode=low) + (place if low == "prelocated" else "")
    (tmp_path / "llext.yml").write_text(text, encoding="utf-8")
    (tmp_path / "low.o").write_bytes(
        elf(
            sections=[Sec(name=".text", flags=CODE, content=bytes.fromhex(SEVEN), align=4)],
            symbols=[Sym(name="low_run", value=1, size=4, type=FUNC, section=".text")],
        )
    )
    code = bytes.fromhex("00b5 fff7feff 0130 00bd")  # push {lr}; bl; adds r0, #1; pop {pc}
    call = Rel(offset=2, type=THM_CALL, symbol="low_run")
    (tmp_path / "high.o").write_bytes(
        elf(
            sections=[
                Sec(name=".text", flags=CODE, content=code, align=4, relocations=[call]),
            ],
            symbols=[
                Sym(name="high_run", value=1, size=8, type=FUNC, section=".text"),
                Sym(name="low_run"),
            ],
        )
    )
    assert command("build", "-q", folder=tmp_path).status == 0
    made = command("run", "high:high_run", folder=tmp_path)
    assert made == (0, "high:high_run = 8 (0x8)\n", "")


def test_memories_of_the_manifest_stay_free(tmp_path: Path) -> None:
    """A heap that isn't known is put beside what prelocated extensions may be placed in."""
    folder = tmp_path
    runnable(folder)
    manifest = folder / "llext.yml"
    text = manifest.read_text(encoding="utf-8").replace("0x00100000", "0x20001000")
    manifest.write_text(text, encoding="utf-8")
    assert command("build", "-q", folder=folder).status == 0
    made = ran(folder, "demo:demo_count")
    (start,) = [
        each["address"]
        for each in made["result"]["memory"]
        if (each["image"], each["name"]) == ("demo", "text")
    ]
    assert not 0x20001000 <= start < 0x20011000


def test_files_alone_are_enough_for_every_mode(tmp_path: Path) -> None:
    """Without a table in the image, all of its global symbols count as exported."""
    built(tmp_path, zephyr_like(kernel="_kernel"))
    blob = tmp_path / "build" / "llext" / "demo.llext"
    result = run(
        RunRequest(
            base=tmp_path / "base.elf", blobs=(blob,), calls=(FunctionCall("demo", "demo_run"),)
        )
    )
    assert [each.result.value for each in result.called] == [7]


def test_regions_that_stay_in_the_file_run_there(tmp_path: Path) -> None:
    """With CONFIG_LLEXT_STORAGE_WRITABLE nothing is copied: regions are behind the heap."""
    built(tmp_path, zephyr_like(kernel="_kernel"))
    known = beside_of(tmp_path / "base.elf")
    assert known.image is not None
    settings = {"CONFIG_LLEXT_STORAGE_WRITABLE": "y", "CONFIG_LLEXT_HEAP_SIZE": "8"}
    image = dataclasses.replace(known.image, config=settings)
    result = run(
        RunRequest(
            beside=dataclasses.replace(known, image=image),
            blobs=(tmp_path / "build" / "llext" / "demo.llext",),
            calls=(FunctionCall("demo", "demo_run"), FunctionCall("demo", "demo_count")),
        )
    )
    assert [each.result.value for each in result.called] == [7, 6]
    places = {each.chunk: each.range.start for each in result.regions if each.image == "demo"}
    assert all(place >= 0x20004000 for place in places.values())
