# SPDX-License-Identifier: Apache-2.0
"""Windowed calls through veneers, executed by QEMU's dc233c.

No compiler here knows a core with windows, so that the code is bytes, which QEMU disassembles to
the text beside them before it runs.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from support.elfbuild import FUNC, SHF_ALLOC, SHF_EXECINSTR, SHN_ABS, Rel, Sec, Sym, elf
from support.linking import Case, extension, offer
from support.qemu_insns import LITTLE, disassembled

from west_llext.model.region import Region

pytestmark = pytest.mark.qemu

#: 16 MiB of memory begin at 0; far is out of the reach of every call.
TEXT, FAR = 0x800000, 0x900000

START = """
    movi a2, 0 | 22a000
    wsr.windowbase a2 | 204813
    movi a2, 1 | 22a001
    wsr.windowstart a2 | 204913
    rsync | 102000
    movi a2, 1 | 22a001
    slli a2, a2, 18 | e02201
    wsr.ps a2 | 20e613
    rsync | 102000
    movi a1, 1792 | 12a700
    slli a1, a1, 12 | 401111
    movi a10, 20 | a2a014
"""
STOP = """
    mov.n a3, a10 | 3d0a
    movi a2, 1 | 22a001
    simcall | 005100
"""
DOUBLE = """
    entry a1, 32 | 364100
    add.n a2, a2, a2 | 2a22
    retw.n | 1df0
"""


class Call(NamedTuple):
    """A function that calls another one, by a call that moves the window by so many registers."""

    before: str
    call: str
    after: str


CALLS = {
    4: Call("mov.n a6, a2 | 6d02", "150000", "addi.n a2, a6, 1 | 1b26"),
    8: Call("mov.n a10, a2 | ad02", "250000", "addi.n a2, a10, 1 | 1b2a"),
    12: Call("mov.n a14, a2 | ed02", "350000", "addi.n a2, a14, 1 | 1b2e"),
}


def checked(folder: Path, text: str) -> bytes:
    """The bytes of a listing, which QEMU reads as what is written beside them."""
    rows = [line.strip().split(" | ") for line in text.strip().splitlines()]
    code = [bytes.fromhex(raw) for _, raw in rows]
    seen = [" ".join(each.split()) for _, each in disassembled(folder, LITTLE, code)]
    assert [each for each, _ in rows] == seen
    return b"".join(code)


@pytest.mark.parametrize("moved", CALLS)
def test_a_windowed_call_through_a_veneer_comes_back(moved: int, tmp_path: Path) -> None:
    """20 is doubled far away, 1 is added, and QEMU ends with that as its status."""
    program = shutil.which("qemu-system-xtensa")
    if program is None:
        pytest.skip("qemu-system-xtensa isn't installed")
    call = CALLS[moved]
    start = checked(tmp_path, START)
    outer = checked(tmp_path, f"entry a1, 32 | 364100\n{call.before}")
    inner = checked(tmp_path, f"{call.after}\nretw.n | 1df0")
    stop = checked(tmp_path, STOP)
    entry = len(start) + 3 + len(stop) + 3 & -4
    code = (start + bytes.fromhex("250000") + stop).ljust(entry, b"\0")
    code += outer + bytes.fromhex(call.call) + inner
    rows = [
        Rel(offset=len(start), type=20, symbol="outer", addend=0),
        Rel(offset=entry + len(outer), type=20, symbol="far", addend=0),
    ]
    note = struct.pack("<III", 12, 8, 1) + b"Xtensa_Info\0ABI=0\n\0\0"
    flags = SHF_ALLOC | SHF_EXECINSTR
    content = elf(
        machine=94,
        flags=0x300,
        sections=[
            Sec(name=".text", flags=flags, content=code, align=4, relocations=rows),
            Sec(name=".xtensa.info", type=7, flags=0, content=note),
        ],
        symbols=[Sym(name="outer", value=entry, type=FUNC, section=".text"), Sym(name="far")],
    )
    made = Case(
        extension=extension(),
        base=offer([Sym(name="far", value=FAR, type=FUNC, section=SHN_ABS)]),
        place=lambda _: {Region.TEXT: TEXT},
        windows={"text": (TEXT, TEXT + 0x1000)},
    ).link(content)
    assert [stub.form.name for stub in made.second.stubs.all] == [f"call{moved}"]
    command = [program, "-machine", "sim", "-cpu", "dc233c", "-m", "16M", "-display", "none"]
    command += ["-monitor", "none", "-serial", "none", "-semihosting"]
    command += ["-device", f"loader,addr={TEXT:#x},cpu-num=0"]
    for address, raw in ((TEXT, made.content(Region.TEXT)), (FAR, checked(tmp_path, DOUBLE))):
        (tmp_path / f"{address:x}.bin").write_bytes(raw)
        command += ["-device", f"loader,file={address:x}.bin,addr={address:#x},force-raw=on"]
    done = subprocess.run(command, cwd=tmp_path, check=False, timeout=20, capture_output=True)
    assert (done.returncode, done.stderr) == (41, b"")
