# SPDX-License-Identifier: Apache-2.0
"""Build directories as Zephyr's build leaves them, as far as extensions need them; no compiler."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .project import base_elf

CACHE = """\
CMAKE_C_COMPILER:STRING=/opt/sdk/arm-zephyr-eabi-gcc
CMAKE_HOME_DIRECTORY:INTERNAL=/ws/app
ZEPHYR_BASE:PATH=/ws/zephyr
"""
CONFIG = "CONFIG_LLEXT=y\nCONFIG_LLEXT_HEAP_SIZE=8\n"
VERSION_H = '#define KERNEL_VERSION_STRING "4.3.0"\n'


def build_dir(
    folder: Path, *, image: bytes | None = None, files: Mapping[str, str] | None = None
) -> Path:
    """A build directory; `image` is zephyr.elf, `files` are put there besides."""
    texts = {
        "CMakeCache.txt": CACHE,
        "zephyr/.config": CONFIG,
        "zephyr/include/generated/zephyr/version.h": VERSION_H,
        **(files or {}),
    }
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "zephyr" / "zephyr.elf").write_bytes(base_elf() if image is None else image)
    return folder


def sysbuild(folder: Path, images: Mapping[str, bytes], *, default: str) -> Path:
    """Sysbuild's directory with a build directory for each image."""
    lines = [f"default: {default}", f"build_dir: {folder}", "domains:"]
    for name, image in images.items():
        build_dir(folder / name, image=image)
        lines += [f"  - name: {name}", f"    build_dir: {folder / name}"]
    (folder / "CMakeCache.txt").write_text(CACHE, encoding="utf-8")
    (folder / "domains.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
