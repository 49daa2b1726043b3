# SPDX-License-Identifier: Apache-2.0
"""The quickstart in QEMU: its base image boots, and runs extensions that lie at their addresses."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from support import quickstart
from support.quickstart import Quickstart

from west_llext.elf.read import file_content, object_file
from west_llext.emulate.blob import blob_image
from west_llext.emulate.image import Image

pytestmark = [pytest.mark.cross, pytest.mark.qemu]

RUN_LIST = 0x20300000
RUN_LIST_MAGIC = 0x4C4E5552
DEMOS = {
    "mathlib": "math_demo",
    "filters": "filters_demo",
    "counter": "counter_demo",
    "hello": "hello_run",
}


@pytest.fixture(scope="module", params=["gcc", pytest.param("zig", marks=pytest.mark.zig)])
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Quickstart:
    """The sample, built with each compiler."""
    if shutil.which("qemu-system-arm") is None:
        pytest.skip("qemu-system-arm isn't installed")
    return quickstart.built(tmp_path_factory.mktemp("quickstart"), request.param)


def images(sample: Quickstart, name: str) -> tuple[Mapping[int, bytes], Image]:
    """The memory contents of an extension by address, and what it is made of."""
    image = blob_image(object_file(file_content(sample.blobs[name]), name), name)
    return {each.address: each.content for each in image.chunks if each.content}, image


def run_list(functions: Sequence[int]) -> bytes:
    """What the base image calls, in its own format (base/main.c)."""
    count = len(functions)
    return struct.pack(f"<II{count}I", RUN_LIST_MAGIC, count, *functions)


def booted(base: Path, contents: Mapping[int, bytes], folder: Path) -> tuple[int, str]:
    """Exit status and output of QEMU with the base image and what else is in memory."""
    command = ["qemu-system-arm", "-M", "mps2-an385", "-nographic", "-monitor", "none"]
    command += ["-serial", "none", "-semihosting-config", "enable=on,target=native"]
    command += ["-kernel", str(base)]
    for address, content in contents.items():
        file = folder / f"{address:x}.bin"
        file.write_bytes(content)
        command += ["-device", f"loader,file={file},addr={address:#x},force-raw=on"]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=20,
        check=False,
    )
    return done.returncode, done.stdout


def test_base_without_a_run_list_says_what_it_exports(sample: Quickstart, tmp_path: Path) -> None:
    """The generated table is compiled in, sorted, and every row is found by its name."""
    assert booted(sample.base, {}, tmp_path) == (0, quickstart.expected("base"))


@pytest.mark.parametrize("name", list(DEMOS))
def test_extension_at_its_address_prints_what_its_source_says(
    sample: Quickstart, name: str, tmp_path: Path
) -> None:
    """Constructors first, then the demo; calls reach the base over more than 16 MiB."""
    contents: dict[int, bytes] = {}
    functions: list[int] = []
    for each in dict.fromkeys(["mathlib", name]):  # others may import from mathlib
        content, image = images(sample, each)
        contents.update(content)
        functions += image.constructors
        if each == name:
            functions.append(image.exports[DEMOS[name]])
    contents[RUN_LIST] = run_list(functions)
    assert booted(sample.base, contents, tmp_path) == (0, quickstart.expected(name))


def test_jump_into_nothing_ends_the_run_with_a_failure(sample: Quickstart, tmp_path: Path) -> None:
    """A fault on the target must not look like success: the base's handler reports it."""
    status, output = booted(sample.base, {RUN_LIST: run_list([0x60000001])}, tmp_path)
    assert (status, output.split(" called")[0]) == (1, "fault at 60000000,")
