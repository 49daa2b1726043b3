# SPDX-License-Identifier: Apache-2.0
"""Base images that aren't there: descriptions, kits, and flags out of build directories."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest
from support.commands import command, settled
from support.cross import tool
from support.kits import commands, kit_files, with_source, zephyr
from support.project import MANIFEST, base_elf, demo_object, project
from support.zephyrbuild import CACHE, build_dir


@pytest.mark.parametrize("mode", ["relocatable", "bound", "prelocated"])
def test_a_description_stands_for_the_image(mode: str, tmp_path: Path) -> None:
    """Byte for byte the same blob, with no image at hand."""
    project(tmp_path, mode=mode)
    assert command("build", "-q", folder=tmp_path).status == 0
    blob = (tmp_path / "build" / "llext" / "demo.llext").read_bytes()
    ran = command("base", "export", "-o", "base.json", folder=tmp_path)
    assert ran == (0, "wrote base.json: base.elf with 4 symbols, no table of exports\n", "")
    (tmp_path / "base.elf").unlink()
    shutil.rmtree(tmp_path / "build")
    manifest = tmp_path / "llext.yml"
    text = manifest.read_text(encoding="utf-8").replace("base.elf", "base.json")
    manifest.write_text(text, encoding="utf-8")
    assert command("check", folder=tmp_path) == (0, "1 extension: no findings\n", "")
    assert command("build", "-q", folder=tmp_path).status == 0
    assert (tmp_path / "build" / "llext" / "demo.llext").read_bytes() == blob
    assert command("build", folder=tmp_path).out == "1 extension: nothing to do\n"


def test_a_description_runs_with_stand_ins_alone(tmp_path: Path) -> None:
    """X008: there is no code of the base image, and this function has none to stand in for it."""
    project(tmp_path, mode="prelocated")
    (tmp_path / "demo.o").write_bytes(demo_object(wants="board_init"))
    (tmp_path / "base.elf").write_bytes(base_elf({"board_init": 0x1001}))
    command("base", "export", "-o", "base.json", folder=tmp_path)
    manifest = tmp_path / "llext.yml"
    text = manifest.read_text(encoding="utf-8").replace("base.elf", "base.json")
    manifest.write_text(text, encoding="utf-8")
    assert command("build", "-q", folder=tmp_path).status == 0
    ran = command("run", "-q", "demo:demo_run", folder=tmp_path)
    assert ran == (
        1,
        "",
        (
            "build/llext/demo.llext: error[X008]: 'demo:demo_run' didn't return: 'board_init'+0x0 "
            "(base image) at 0x1000 is a function of the base image without code here, and nothing "
            "stands in for it, called from 'demo_run'+0x4 (demo)\n"
            "hint: write 'board_init' in Python, and name its file: --stand-ins FILE.py\n"
        ),
    )
    own = "def board_init(target):\n    target.print('ready')\n"
    (tmp_path / "own.py").write_text(own, encoding="utf-8")
    words = ("run", "-q", "demo:demo_run", "--stand-ins", "own.py", "--max-instructions", "9")
    ran = command(*words, folder=tmp_path)
    # it has kept no return address, and returns to itself
    assert (ran.out, "'demo_run'+0x4 (demo)" in ran.err) == ("ready", True)


def test_a_description_is_the_same_on_standard_output(tmp_path: Path) -> None:
    """`west-llext base export > base.json`; of a file, a build directory or a manifest."""
    project(tmp_path)
    build_dir(tmp_path / "out", image=base_elf())
    printed = command("base", "export", folder=tmp_path)
    assert printed.status == 0
    assert command("base", "export", "base.elf", folder=tmp_path).out == printed.out
    command("base", "export", "-o", "base.json", folder=tmp_path)
    assert (tmp_path / "base.json").read_text(encoding="utf-8") == printed.out
    again = command("base", "export", "-o", "base.json", folder=tmp_path)
    assert again.out.startswith("unchanged: base.json: ")
    built = json.loads(command("base", "export", "-d", "out", folder=tmp_path).out)
    assert built["zephyr"] == "4.3.0"
    assert built["config"] == {"CONFIG_LLEXT": "y", "CONFIG_LLEXT_HEAP_SIZE": "8"}


def test_a_description_of_nothing(tmp_path: Path) -> None:
    """No image, no directory, and a manifest that names neither."""
    (tmp_path / "llext.yml").write_text("version: 1\n", encoding="utf-8")
    ran = command("base", "export", folder=tmp_path)
    assert (ran.status, ran.out) == (1, "")
    assert "error[B020]: nothing says which base image to describe\n" in ran.err


def test_info_describes_a_description(tmp_path: Path) -> None:
    """As it describes the image; blobs can be held against it."""
    project(tmp_path)
    command("build", "-q", folder=tmp_path)
    command("base", "export", "-o", "base.json", folder=tmp_path)
    out = command("info", "base.json", folder=tmp_path).out
    assert out.startswith("base.json: base image, arm, 32 bits, little endian, ")
    assert "  symbols      4\n" in out
    blob = "build/llext/demo.llext"
    assert command("info", "--base", "base.json", blob, folder=tmp_path).out == (
        f"{blob} fits base.json: 1 symbol compared\n"
    )


@pytest.mark.cross
def test_sources_are_compiled_as_the_base_image_was(tmp_path: Path) -> None:
    """Flags of compile_commands.json, and the compiler of the cache; a warning is no error."""
    gcc = tool("gcc")
    cache = CACHE.replace("/opt/sdk/arm-zephyr-eabi-gcc", gcc)
    cache += f"APPLICATION_SOURCE_DIR:PATH={tmp_path}/app\n"
    files = {"CMakeCache.txt": cache, "compile_commands.json": commands(tmp_path)}
    build_dir(tmp_path / "out", files=files)
    with_source(tmp_path, "{build-dir: out}")
    settled(tmp_path)
    assert command("build", folder=tmp_path).err == ""
    text = (tmp_path / "build/llext/obj/compile_commands.json").read_text(encoding="utf-8")
    (entry,) = json.loads(text)
    words = entry["arguments"]
    assert words[0] == gcc
    assert "-O2" in words
    assert {"-Werror", "-fdiagnostics-color=always"}.isdisjoint(words)
    assert words.index("-O2") > words.index("-ffunction-sections")
    assert command("build", folder=tmp_path).out == "1 extension: nothing to do\n"


#: Flags of real builds that not every compiler knows, or that have another form elsewhere.
PECULIAR = (
    "-fno-printf-return-value -fno-reorder-functions -fno-defer-pop --param=min-pagesize=0 "
    "-mfp16-format=ieee -mabi=aapcs --sysroot=/nowhere -fmacro-prefix-map=/ws=. -gdwarf-4 "
    "-fno-strict-aliasing -ffreestanding -fno-common -Wno-pointer-sign -imacros"
)


@pytest.mark.parametrize(
    "cc",
    [
        pytest.param("arm-none-eabi-gcc", marks=pytest.mark.cross),
        pytest.param("zig", marks=pytest.mark.zig),
        pytest.param(
            "bin/clang",
            marks=[
                pytest.mark.zig,
                pytest.mark.skipif(os.name == "nt", reason="the program is a script"),
            ],
        ),
    ],
)
def test_each_compiler_takes_the_flags_of_the_base_image(cc: str, tmp_path: Path) -> None:
    """Whichever compiled the image: what isn't for it is left out or said in its way."""
    if cc == "arm-none-eabi-gcc":
        tool("gcc")
    else:
        pytest.importorskip("ziglang")
    if cc == "bin/clang":  # zig has clang's own command line inside
        (tmp_path / "bin").mkdir()
        program = tmp_path / cc
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ziglang clang "$@"\n')
        program.chmod(0o755)
    database = commands(tmp_path).replace("-imacros", PECULIAR)
    build_dir(tmp_path / "out", files={"compile_commands.json": database})
    with_source(tmp_path, f"{{build-dir: out, toolchain: {{cc: {cc}}}}}")
    ran = command("build", folder=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    text = (tmp_path / "build/llext/obj/compile_commands.json").read_text(encoding="utf-8")
    (entry,) = json.loads(text)
    assert "-O2" in entry["arguments"]
    assert [each for each in entry["arguments"] if each.startswith("-O")] == ["-O2"]


@pytest.mark.cross
def test_flags_of_the_base_image_that_change_are_noticed(tmp_path: Path) -> None:
    """The file is an input of the build."""
    tool("gcc")
    database = commands(tmp_path)
    build_dir(tmp_path / "out", files={"compile_commands.json": database})
    with_source(tmp_path, "{build-dir: out}")
    assert command("build", folder=tmp_path).status == 0
    changed = database.replace("-DFLAVOUR=3", "-DFLAVOUR=4")
    (tmp_path / "out" / "compile_commands.json").write_text(changed, encoding="utf-8")
    ran = command("build", folder=tmp_path)
    assert ran.status == 1
    assert "#error flags" in ran.err


@pytest.mark.cross
def test_build_info_tells_the_flags_where_nothing_else_does(tmp_path: Path) -> None:
    """Of a build directory that came without its compilation database."""
    tool("gcc")
    sources, made = zephyr(tmp_path)
    info = (
        "cmake:\n  llext-edk:\n"
        f"    cflags: ['-DFLAVOUR=3', '-O2', '-mcpu=cortex-m3', '-imacros', '{made}/autoconf.h']\n"
        f"    include-dirs: ['{sources}']\n"
    )
    build_dir(tmp_path / "out", files={"build_info.yml": info})
    with_source(tmp_path, "{build-dir: out}")
    assert command("build", folder=tmp_path).err == ""


@pytest.mark.cross
@pytest.mark.parametrize("form", ["tar.xz", "folder", "inner"])
def test_a_kit_is_enough_to_compile(form: str, tmp_path: Path) -> None:
    """Packed, unpacked, and unpacked without its own folder; no image, no tree."""
    tool("gcc")
    files = kit_files(tmp_path)
    shutil.rmtree(tmp_path / "ws")
    if form == "tar.xz":
        with tarfile.open(tmp_path / "kit", "w:xz") as archive:
            for name, content in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    for name, content in files.items() if form != "tar.xz" else ():
        path = tmp_path / "kit" / (name if form == "folder" else name.removeprefix("my-kit/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    with_source(tmp_path, "{edk: kit}")
    settled(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    note = command("check", folder=tmp_path)
    assert "note[T020]" in note.out
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert command("build", folder=tmp_path).err == ""
    assert command("build", folder=tmp_path).out == "1 extension: nothing to do\n"
    assert command("check", folder=tmp_path) == (0, "1 extension: no findings\n", "")


def test_a_kit_knows_what_conditions_ask_for(tmp_path: Path) -> None:
    """Without an image, its settings decide what the base image exports."""
    for name, content in kit_files(tmp_path).items():
        path = tmp_path / "kit" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    project(tmp_path)
    manifest = tmp_path / "llext.yml"
    text = MANIFEST.format(mode="relocatable").replace("image: base.elf", "edk: kit")
    text = text.replace("symbols: [printk, k_uptime_get]", "{symbols: [printk], when: WHEN}")
    for when, status in (("CONFIG_ANSWER = 42", 0), ("CONFIG_OTHER", 1)):
        manifest.write_text(text.replace("WHEN", when), encoding="utf-8")
        assert command("check", folder=tmp_path).status == status


def test_a_kit_that_is_none(tmp_path: Path) -> None:
    """Nothing was built, and the message names what makes one."""
    (tmp_path / "kit").mkdir()
    with_source(tmp_path, "{edk: kit}")
    assert command("build", folder=tmp_path) == (
        3,
        "",
        (
            "kit: error[B033]: 'kit' is no extension development kit: it has no 'cmake.cflags'\n"
            "hint: make one: west build -t llext-edk\n1 error\n"
        ),
    )
