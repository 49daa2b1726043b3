# SPDX-License-Identifier: Apache-2.0
"""The quickstart in QEMU: its base image boots, and runs extensions that lie at their addresses.

Extensions are in memory as the raw images say; which function to call, and where, is taken from
llext-build.json, as whoever flashes them would.
"""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import quickstart
from support.sample import COMPILERS, Sample, prepared

from west_llext.elf.read import file_content, object_file
from west_llext.emulate.blob import blob_image

pytestmark = pytest.mark.qemu

RUN_LIST = 0x20300000
RUN_LIST_MAGIC = 0x4C4E5552
DEMOS = {
    "mathlib": "math_demo",
    "filters": "filters_demo",
    "counter": "counter_demo",
    "hello": "hello_run",
}
PLACE = "    place: {text: ext_rom, rodata: ext_rom, data: ext_ram, bss: ext_ram}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A built sample: what to put into memory, and what is where.

    report: extensions of llext-build.json by name
    contents: bytes by address
    """

    sample: Sample
    report: Mapping[str, Any]
    contents: Mapping[int, bytes]

    def function(self, extension: str) -> int:
        """Address of an extension's demo, with the Thumb bit."""
        return int(self.report[extension]["exports"][DEMOS[extension]]["address"], 0)

    def constructors(self, extension: str) -> Sequence[int]:
        """What has to be called before anything else of an extension: its .init_array."""
        found = self.report[extension]["regions"].get("init")
        if found is None:
            return ()
        address = int(found["address"], 0)
        (start,) = (each for each in self.contents if 0 <= address - each < 1 << 16)
        raw = self.contents[start][address - start :][: found["size"]]
        return struct.unpack(f"<{found['size'] // 4}I", raw)


def board(sample: Sample) -> Board:
    """A sample, built."""
    sample.build()
    data = json.loads((sample.output / "llext-build.json").read_text(encoding="utf-8"))
    return Board(
        sample=sample,
        report={each["name"]: each for each in data["extensions"]},
        contents={
            int(memory["address"], 0): (sample.output / memory["images"]["bin"]).read_bytes()
            for memory in data["memories"]
        },
    )


@pytest.fixture(scope="module", params=COMPILERS)
def board_of_sample(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Board:
    """The sample as it is, built with each compiler."""
    if shutil.which("qemu-system-arm") is None:
        pytest.skip("qemu-system-arm isn't installed")
    return board(prepared(tmp_path_factory.mktemp("qemu") / "sample", request.param))


@pytest.fixture(scope="module")
def board_of_all(board_of_sample: Board, tmp_path_factory: pytest.TempPathFactory) -> Board:
    """The same with all four extensions prelocated."""
    sample = board_of_sample.sample.copied(tmp_path_factory.mktemp("qemu-all") / "sample")
    text = sample.manifest.read_text(encoding="utf-8").replace("    mode: bound\n", "")
    for name in ("hello", "counter"):
        head = f"  - name: {name}\n"
        assert head in text
        text = text.replace(head, f"{head}    mode: prelocated\n{PLACE}")
    sample.manifest.write_text(text, encoding="utf-8")
    return board(sample)


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


def ran(where: Board, names: Sequence[str], folder: Path) -> tuple[int, str]:
    """What comes of the demos of some extensions, constructors first."""
    functions = [each for name in DEMOS for each in where.constructors(name)]
    functions += [where.function(name) for name in names]
    return booted(where.sample.base, {**where.contents, RUN_LIST: run_list(functions)}, folder)


def test_base_without_a_run_list_says_what_it_exports(
    board_of_sample: Board, tmp_path: Path
) -> None:
    """The generated table is compiled in, sorted, and every row is found by its name."""
    assert booted(board_of_sample.sample.base, {}, tmp_path) == (0, quickstart.expected("base"))


@pytest.mark.parametrize("name", ["mathlib", "filters"])
def test_prelocated_extensions_print_what_their_sources_say(
    board_of_sample: Board, name: str, tmp_path: Path
) -> None:
    """As the sample has them; calls reach the base image over more than 16 MiB."""
    functions = [*board_of_sample.constructors(name), board_of_sample.function(name)]
    contents = {**board_of_sample.contents, RUN_LIST: run_list(functions)}
    assert booted(board_of_sample.sample.base, contents, tmp_path) == (
        0,
        quickstart.expected(name),
    )


def test_all_extensions_run_one_after_the_other(board_of_all: Board, tmp_path: Path) -> None:
    """Side by side in the same memories: one's zeroed data lies between others' initialised."""
    names = ["hello", "counter", "filters", "mathlib"]
    expected = "".join(map(quickstart.expected, names))
    assert ran(board_of_all, names, tmp_path) == (0, expected)


def test_jump_into_nothing_ends_the_run_with_a_failure(
    board_of_sample: Board, tmp_path: Path
) -> None:
    """A fault on the target must not look like success: the base's handler reports it."""
    contents = {RUN_LIST: run_list([0x60000001])}
    status, output = booted(board_of_sample.sample.base, contents, tmp_path)
    assert (status, output.split(" called")[0]) == (1, "fault at 60000000,")


@pytest.mark.cross
def test_gnu_ld_s_blobs_print_the_same(tmp_path: Path) -> None:
    """What is expected wasn't born of our own link: here another one makes the blobs."""
    if shutil.which("qemu-system-arm") is None:
        pytest.skip("qemu-system-arm isn't installed")
    sample = quickstart.built(tmp_path, "gcc")
    contents: dict[int, bytes] = {}
    functions: list[int] = []
    for name, demo in DEMOS.items():
        image = blob_image(object_file(file_content(sample.blobs[name]), name), name)
        contents |= {each.address: each.content for each in image.chunks if each.content}
        functions += [*image.constructors, image.exports[demo]]
    contents[RUN_LIST] = run_list(functions)
    expected = "".join(map(quickstart.expected, DEMOS))
    assert booted(sample.base, contents, tmp_path) == (0, expected)
