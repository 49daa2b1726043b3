# SPDX-License-Identifier: Apache-2.0
"""The functions for the target, compiled from zephyr/src and run in QEMU with the quickstart."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pytest
from support.commands import ROOT
from support.sample import COMPILERS, Sample, prepared

pytestmark = pytest.mark.qemu

HERE = Path(__file__).parent
COMMANDS, BLOBS = 0x20300000, 0x20310000
CHECK, INSTALL, CALL, FILL, SUM, RUN, CUT, DIGEST = range(1, 9)
USER_CHECK, USER_INSTALL, USER_CALL = range(9, 12)
IN_FLASH, LOAD, BRING_UP = 1, 2, 4  # flags of west_llext_install()
ANYWHERE, INSIDE, IN_PLACE, SMALL = range(4)
ROM, RAM = 0x21000000, 0x21040000


def recipe(folder: Path) -> ModuleType:
    """The sample's build script, which knows how to compile a base image."""
    spec = importlib.util.spec_from_file_location("build_base", folder / "build_base.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def base_image(sample: Sample, output: Path, *flags: str) -> None:
    """Build the base image with our main() and the functions for the target."""
    module = recipe(sample.root)
    own = ("blob.c", "sha256.c", "west_llext.c")
    for name in (*own, "blob.h", "sha256.h"):
        shutil.copy(ROOT / "zephyr" / "src" / name, sample.root / "base" / name)
    shutil.copy(HERE / "main.c", sample.root / "base" / "main.c")
    module.SOURCES = (*module.SOURCES, *own)
    command = module.compile_command(sample.compiler, sample.output, output)
    at = command.index("-Iinclude")
    command[at:at] = [
        *(f"-I{HERE}", "-Ibase", f"-I{ROOT / 'zephyr' / 'include'}"),
        # Zephyr has these headers, and the sample its own of the exports
        *("-idirafter", str(HERE / "doubles")),
        *("-DKERNEL_VERSION_NUMBER=0x030500", "-DCONFIG_WEST_LLEXT_LOG_LEVEL=3"),
        "-DCONFIG_WEST_LLEXT_INSTALL_MEMORIES=1",
        *flags,
    ]
    done = subprocess.run(command, cwd=sample.root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


class Board:
    """Extensions, built for a base image, and that image in QEMU."""

    def __init__(self, sample: Sample) -> None:
        """Builds everything."""
        self.sample = sample
        base_image(sample, sample.base)
        sample.build()
        self.moved = sample.root / "build" / "moved.elf"
        base_image(sample, self.moved, "-DMOVED")
        report = json.loads((sample.output / "llext-build.json").read_text(encoding="utf-8"))
        self.exports = {each["name"]: sorted(each["exports"]) for each in report["extensions"]}

    def blob(self, name: str) -> bytes:
        """The file of an extension."""
        return (self.sample.output / f"{name}.llext").read_bytes()

    def memory(self, name: str) -> bytes:
        """The raw image of a memory."""
        return (self.sample.output / f"{name}.bin").read_bytes()

    def run(
        self,
        commands: Sequence[tuple[int, int, int, int]],
        contents: Mapping[int, bytes],
        folder: Path,
        *,
        base: Path | None = None,
    ) -> list[str]:
        """What the base image prints when it is given these commands, and memory like that."""
        words = [word for command in commands for word in command] + [0] * 4
        everything = {COMMANDS: struct.pack(f"<{len(words)}I", *words), **contents}
        devices = []
        for address, content in everything.items():
            path = folder / f"{address:x}.bin"
            path.write_bytes(content)
            devices += ["-device", f"loader,file={path},addr={address:#x},force-raw=on"]
        done = subprocess.run(
            [
                *("qemu-system-arm", "-M", "mps2-an385", "-nographic", "-monitor", "none"),
                *("-semihosting-config", "enable=on,target=native", "-serial", "none"),
                *("-kernel", str(base or self.sample.base), *devices),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return (done.stdout + done.stderr).splitlines()


@pytest.fixture(scope="module", params=COMPILERS)
def board(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Board:
    """The sample with our base image, built with each compiler."""
    if shutil.which("qemu-system-arm") is None:
        pytest.skip("qemu-system-arm isn't installed")
    return Board(prepared(tmp_path_factory.mktemp("target") / "sample", request.param))


def installed(board: Board, name: str, folder: Path, how: int = INSIDE) -> list[str]:
    """What is said when a blob is installed."""
    blob = board.blob(name)
    return board.run([(INSTALL, BLOBS, len(blob), how)], {BLOBS: blob}, folder)


def test_a_prelocated_blob_is_placed_and_runs(board: Board, tmp_path: Path) -> None:
    """Into memory that holds something else: code is copied, .bss is cleared."""
    provider, blob = board.blob("mathlib"), board.blob("filters")
    at = BLOBS + 0x10000
    name = at + 0x10000
    rubbish = [(FILL, start, 0x8000, 0xA5) for start in (ROM, RAM)]
    lines = board.run(
        [
            *rubbish,
            (INSTALL, BLOBS, len(provider), INSIDE),
            (RUN, 0, 0, 0),
            (INSTALL, at, len(blob), INSIDE),
            (RUN, 0, 0, 0),
            (CALL, name, 0, 0),
            (INSTALL, at, len(blob), IN_PLACE),
        ],
        {BLOBS: provider, at: blob, name: b"filters_demo\0"},
        tmp_path,
    )
    printed = (board.sample.root / "expected" / "filters.txt").read_text(encoding="utf-8")
    assert lines[0].endswith("bytes of code written: install 0")
    assert int(lines[0].split()[0]) == len(board.exports["mathlib"])
    assert "\n".join(lines[2:-2]) + "\n" == printed
    assert lines[-2].startswith("call ")
    # the second time everything but data is there already
    assert lines[-1].endswith("0 bytes of code written: install 0")


def test_code_in_flash_is_compared_and_not_written(board: Board, tmp_path: Path) -> None:
    """Execute in place: with the raw image at its address, without it, and with another."""
    blob, rom = board.blob("mathlib"), board.memory("ext_rom")
    command = (INSTALL, BLOBS, len(blob), IN_PLACE)
    (line,) = board.run([command], {BLOBS: blob, ROM: rom}, tmp_path)
    assert line.endswith(" 0 bytes of code written: install 0")
    assert board.run([command], {BLOBS: blob}, tmp_path) == ["install -6"]
    other = bytes([rom[0] ^ 1]) + rom[1:]
    assert board.run([command], {BLOBS: blob, ROM: other}, tmp_path) == ["install -6"]


@pytest.mark.parametrize("name", ["mathlib", "counter"])
def test_a_blob_for_another_image_is_refused(name: str, board: Board, tmp_path: Path) -> None:
    """By the first symbol that is somewhere else; nothing is touched before."""
    blob = board.blob(name)
    before = [(SUM, ROM, 0x1000, 0), (SUM, RAM, 0x1000, 0)]
    what = INSTALL if name == "mathlib" else CHECK
    commands = [*before, (what, BLOBS, len(blob), INSIDE), *before]
    lines = board.run(commands, {BLOBS: blob}, tmp_path, base=board.moved)
    assert " is at " in lines[2]
    assert lines[2].endswith("install -77" if name == "mathlib" else "check -77")
    assert lines[:2] == lines[3:]
    fine = board.run([(CHECK, BLOBS, len(blob), 0)], {BLOBS: blob}, tmp_path)
    assert fine == ["check 0"]


def test_an_application_installs_and_calls(board: Board, tmp_path: Path) -> None:
    """By the functions of the header: with constructors, and once more with the code in its place.

    The second time data begins anew, so that the same is printed again.
    """
    provider, blob = board.blob("mathlib"), board.blob("filters")
    at, name = BLOBS + 0x10000, BLOBS + 0x20000
    lines = board.run(
        [
            *[(FILL, start, 0x8000, 0xA5) for start in (ROM, RAM)],
            (USER_INSTALL, BLOBS, len(provider), BRING_UP),
            (USER_INSTALL, at, len(blob), BRING_UP),
            (USER_CALL, name, 0, 0),
            (USER_INSTALL, at, len(blob), IN_FLASH | BRING_UP),
            (USER_CALL, name, 0, 0),
            (USER_CALL, name + 1, 0, 0),
        ],
        {BLOBS: provider, at: blob, name: b"filters_demo\0"},
        tmp_path,
    )
    printed = (board.sample.root / "expected" / "filters.txt").read_text(encoding="utf-8")
    # the clock of this image goes on with every reading, as the sample's own does
    demo = printed.splitlines()
    assert lines[0] == lines[2] == "install 0"
    assert all(int(lines[number].split()[0]) > 0 for number in (1, 3))
    assert lines[4 : 4 + len(demo)] == demo
    again = lines[5 + len(demo) :]
    assert again[:2] == ["install 0", "0 bytes of code written"]
    assert len(again) == 2 + len(demo) + 2
    assert again[-1] == "no ilters_demo"


@pytest.mark.parametrize("name", ["mathlib", "counter"])
def test_an_application_is_told_what_does_not_fit(name: str, board: Board, tmp_path: Path) -> None:
    """A blob for another image, bound or prelocated: the log names the symbol, nothing is touched.

    A bound one is asked about before llext_load(), which would not ask.
    """
    blob = board.blob(name)
    before = [(SUM, ROM, 0x1000, 0), (SUM, RAM, 0x1000, 0)]
    ask = [(USER_CHECK, BLOBS, len(blob), 0), (USER_INSTALL, BLOBS, len(blob), 0)]
    lines = board.run([*before, *ask, *before], {BLOBS: blob}, tmp_path, base=board.moved)
    assert lines[2].startswith("E: made for another image: '")
    assert lines[3:6] == ["check -77", lines[2], "install -77"]
    assert lines[6] == "0 bytes of code written"
    assert lines[:2] == lines[7:]
    fine = board.run([ask[0]], {BLOBS: blob}, tmp_path)
    assert fine == ["check 0"]


def test_an_application_is_told_what_this_release_can_not(board: Board, tmp_path: Path) -> None:
    """Loading before 3.7: nothing is touched."""
    blob = board.blob("mathlib")
    before = [(SUM, ROM, 0x1000, 0), (SUM, RAM, 0x1000, 0)]
    commands = [*before, (USER_INSTALL, BLOBS, len(blob), LOAD), *before]
    lines = board.run(commands, {BLOBS: blob}, tmp_path)
    assert lines[2:5] == [
        "E: this release of Zephyr can't load prelocated extensions",
        "install -134",
        "0 bytes of code written",
    ]
    assert lines[:2] == lines[5:]


def test_what_has_no_identity_is_refused(board: Board, tmp_path: Path) -> None:
    """A relocatable blob; and a bound one can't be installed, because it has no addresses."""
    blob = board.blob("hello")
    assert board.run([(CHECK, BLOBS, len(blob), 0)], {BLOBS: blob}, tmp_path) == ["check -134"]
    assert installed(board, "counter", tmp_path) == ["install -134"]


def test_a_blob_stays_inside_the_memories(board: Board, tmp_path: Path) -> None:
    """Declared ones; anywhere only where that is asked for."""
    assert installed(board, "mathlib", tmp_path, SMALL) == ["install -14"]
    assert installed(board, "mathlib", tmp_path, ANYWHERE)[0].endswith("install 0")


def test_a_blob_does_not_overwrite_itself(board: Board, tmp_path: Path) -> None:
    """The file lies where its own code has to go."""
    blob = board.blob("mathlib")
    command = (INSTALL, ROM + 0x40, len(blob), ANYWHERE)
    assert board.run([command], {ROM + 0x40: blob}, tmp_path) == ["install -112"]


def test_part_of_a_blob_is_refused(board: Board, tmp_path: Path) -> None:
    """However much is missing; nothing is touched."""
    blob = board.blob("mathlib")
    (line,) = board.run([(CUT, BLOBS, len(blob), 0)], {BLOBS: blob}, tmp_path)
    assert line == f"{len(blob)} of {len(blob)} refused, nothing touched"


@pytest.mark.parametrize(
    ("expected", "offset", "value"),
    [
        (-8, 0, b"\x7fELG"),
        (-8, 4, b"\x02"),
        (-8, 5, b"\x02"),
        (-8, 16, b"\x02"),
        (-8, 18, b"\x03"),
        (-8, 32, b"\xff\xff\xff\xff"),
        (-8, 32, b"\xf0\xff\xff\xff"),
        (-8, 46, b"\x20"),
        (-8, 48, b"\xff\xff"),
    ],
    ids=["magic", "class", "order", "type", "machine", "shoff", "wraps", "shentsize", "shnum"],
)
def test_damaged_headers_are_refused(
    expected: int, offset: int, value: bytes, board: Board, tmp_path: Path
) -> None:
    """One field at a time."""
    blob = bytearray(board.blob("mathlib"))
    blob[offset : offset + len(value)] = value
    commands = [(INSTALL, BLOBS, len(blob), INSIDE)]
    assert board.run(commands, {BLOBS: bytes(blob)}, tmp_path) == [f"install {expected}"]


def test_a_damaged_note_is_refused(board: Board, tmp_path: Path) -> None:
    """A bit of it changes: the digest, a name, an address or a size doesn't fit any more."""
    blob = board.blob("mathlib")
    note = blob.index(b"west-llext\0") - 12
    size = 24 + struct.unpack_from("<I", blob, note + 4)[0]
    step = (len(blob) + 63) // 64 * 64
    everything = bytearray()
    for offset in range(size):
        damaged = bytearray(blob) + bytes(step - len(blob))
        damaged[note + offset] ^= 0x10
        everything += damaged
    commands = [(CHECK, BLOBS + step * offset, len(blob), 0) for offset in range(size)]
    lines = board.run(commands, {BLOBS: bytes(everything)}, tmp_path)
    assert len(lines) == size
    assert set(lines) <= {"check -8", "check -134"}


@pytest.mark.parametrize("size", [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 1000])
def test_digests_are_those_of_sha_256(size: int, board: Board, tmp_path: Path) -> None:
    """Python's is the reference; lengths around the borders of blocks."""
    data = bytes(number * 7 % 251 for number in range(size))
    (line,) = board.run([(DIGEST, BLOBS, size, 0)], {BLOBS: data or b"\0"}, tmp_path)
    assert line == hashlib.sha256(data).hexdigest()


def test_addresses_have_to_be_aligned(board: Board, tmp_path: Path) -> None:
    """A processor might not read words from there."""
    blob = board.blob("mathlib")
    commands = [(INSTALL, BLOBS + 2, len(blob), INSIDE)]
    assert board.run(commands, {BLOBS + 2: blob}, tmp_path) == ["install -22"]
