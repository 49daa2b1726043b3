# SPDX-License-Identifier: Apache-2.0
"""West build directories: what is read of them, and what is said where something is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from west_llext.base import builddir
from west_llext.base.builddir import BuildDir
from west_llext.diagnostics import ExitStatus, MissingError
from west_llext.manifest.plain import plain

CACHE = """\
# This is the CMakeCache file.
//C compiler
CMAKE_C_COMPILER:STRING=/opt/sdk/arm-zephyr-eabi/bin/arm-zephyr-eabi-gcc
ZEPHYR_BASE:PATH=/proj/zephyr
CACHED_BOARD:STRING=mps2_an385
EMPTY:INTERNAL=
WITH_EQUALS:STRING=-DA=1 -DB=2
not an entry
"""

CONFIG = """\
#
# LLEXT
#
CONFIG_LLEXT=y
CONFIG_LLEXT_HEAP_SIZE=8
# CONFIG_LLEXT_HEAP_DYNAMIC is not set
CONFIG_BOARD_TARGET="mps2/an385"
CONFIG_QUOTED="a \\"b\\" \\\\ c"
CONFIG_FLASH_BASE_ADDRESS=0x0
"""


def build_dir(path: Path, name: str | None = None, domain: str | None = None) -> BuildDir:
    """What is read of a directory."""
    return builddir.build_dir(path, name, document=plain, domain=domain)


def made(folder: Path, files: dict[str, str]) -> Path:
    """A folder with these files."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def whole(folder: Path, **more: str) -> Path:
    """A build directory with an image."""
    files = {"CMakeCache.txt": CACHE, "zephyr/.config": CONFIG, "zephyr/zephyr.elf": "ELF"}
    return made(folder, files | more)


def missing(path: Path, name: str) -> str:
    """What is said of a directory; the exit status is that of the environment."""
    with pytest.raises(MissingError) as caught:
        build_dir(path, name)
    assert caught.value.status is ExitStatus.ENVIRONMENT
    return str(caught.value)


def test_image_configuration_and_cache_are_read(tmp_path: Path) -> None:
    """What Zephyr's build leaves behind, as west finds it."""
    found = build_dir(whole(tmp_path / "build"), "build")
    assert (found.path, found.name) == (tmp_path / "build", "build")
    assert found.image == tmp_path / "build" / "zephyr" / "zephyr.elf"
    assert found.image_name == "zephyr/zephyr.elf"
    assert found.compiler == "/opt/sdk/arm-zephyr-eabi/bin/arm-zephyr-eabi-gcc"
    assert (found.board, found.zephyr_base) == ("mps2/an385", Path("/proj/zephyr"))
    assert found.cache["WITH_EQUALS"] == "-DA=1 -DB=2"
    assert found.config == {
        "CONFIG_LLEXT": "y",
        "CONFIG_LLEXT_HEAP_SIZE": "8",
        "CONFIG_LLEXT_HEAP_DYNAMIC": "n",
        "CONFIG_BOARD_TARGET": "mps2/an385",
        "CONFIG_QUOTED": 'a "b" \\ c',
        "CONFIG_FLASH_BASE_ADDRESS": "0x0",
    }


@pytest.mark.parametrize(
    "header",
    ["zephyr/include/generated/zephyr/version.h", "zephyr/include/generated/version.h"],
)
def test_the_version_is_that_of_the_generated_header(header: str, tmp_path: Path) -> None:
    """KERNEL_VERSION_STRING; the header moved one level down in 3.5."""
    text = '#define KERNELVERSION 0x4030000\n#define KERNEL_VERSION_STRING           "4.3.0"\n'
    assert build_dir(whole(tmp_path, **{header: text})).zephyr_version == "4.3.0"


def test_the_version_may_come_from_the_sources(tmp_path: Path) -> None:
    """The file VERSION of ZEPHYR_BASE, where no header was generated."""
    text = (
        "VERSION_MAJOR = 3\nVERSION_MINOR = 7\nPATCHLEVEL = 1\nVERSION_TWEAK = 0\nEXTRAVERSION =\n"
    )
    sources = made(tmp_path / "zephyr", {"VERSION": text})
    cache = CACHE.replace("/proj/zephyr", str(sources))
    build = whole(tmp_path / "build", **{"CMakeCache.txt": cache})
    assert build_dir(build).zephyr_version == "3.7.1"
    made(sources, {"VERSION": "VERSION_MAJOR = 3\n"})
    assert build_dir(build).zephyr_version is None


def test_a_version_that_nobody_says_is_unknown(tmp_path: Path) -> None:
    """Rules of the loader then take the newest release."""
    header = "zephyr/include/generated/version.h"
    assert build_dir(whole(tmp_path, **{header: "/* empty */\n"})).zephyr_version is None


def test_the_image_has_the_name_that_the_configuration_says(tmp_path: Path) -> None:
    """CONFIG_KERNEL_BIN_NAME."""
    config = CONFIG + 'CONFIG_KERNEL_BIN_NAME="app"\n'
    build = whole(tmp_path, **{"zephyr/.config": config, "zephyr/app.elf": "ELF"})
    assert build_dir(build).image_name == "zephyr/app.elf"


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    """The hint is the command that makes it."""
    assert missing(tmp_path / "build", "build") == (
        "build: error[B001]: there is no build directory 'build'\n"
        "hint: build the base image first: west build -b BOARD -d build"
    )


@pytest.mark.parametrize(
    ("files", "absent"),
    [({}, "CMakeCache.txt"), ({"CMakeCache.txt": CACHE}, "zephyr/.config")],
)
def test_a_directory_of_something_else(files: dict[str, str], absent: str, tmp_path: Path) -> None:
    """The first file that is missing is named."""
    assert missing(made(tmp_path, files), "out") == (
        f"out: error[B001]: 'out' isn't a build directory of Zephyr: it has no '{absent}'\n"
        "hint: name the directory that west build made"
    )


def test_a_directory_of_sysbuild(tmp_path: Path) -> None:
    """Sysbuild makes a build directory for each image inside its own."""
    made(tmp_path, {"CMakeCache.txt": CACHE})
    whole(tmp_path / "app")
    assert missing(tmp_path, "build") == (
        "build: error[B001]: 'build' isn't a build directory of Zephyr: it has no "
        "'zephyr/.config'\nhint: name 'build/app'"
    )


def test_a_directory_without_an_image(tmp_path: Path) -> None:
    """Configured, not built."""
    build = made(tmp_path, {"CMakeCache.txt": CACHE, "zephyr/.config": CONFIG})
    assert missing(build, "build") == (
        "build: error[B002]: build directory 'build' has no image: 'zephyr/zephyr.elf' isn't "
        "there\nhint: build the base image: west build -d build"
    )
