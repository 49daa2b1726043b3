# SPDX-License-Identifier: Apache-2.0
"""A QEMU that goes wrong: it is said, and nothing of it is left behind."""

from __future__ import annotations

import dataclasses
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import ROOT

from west_llext.diagnostics import MissingError
from west_llext.emulate import gdb_remote, qemu, xtensa
from west_llext.emulate.qemu import QemuEngine

#: A GDB server whose registers and memory are zeros; the first argument is what it does at `c`.
SERVER = """\
import os, signal, sys, time

def say(data):
    os.write(1, b"$" + data + b"#00")

def goes_on(how):
    if how == "flood":
        while True:
            os.write(1, b"x" * 4096)
    if how == "hang":
        signal.pause()
    if how == "end":
        sys.exit(0)
    say(b"T05")

def answer(order, how, went):
    if order == b"g":
        return {"letters": b"zz" * 400, "few": b"00" * 8, "odd": b"0" * 401}.get(
            how if went else "", b"00" * 400
        )
    if order[:1] == b"m":
        size = int(order.split(b",")[1], 16)
        return b"zz" * size if how == "memory" and went else b"00" * size
    return b"OK"

seen, went = b"", False
while True:
    data = os.read(0, 4096)
    if not data:
        sys.exit(0)
    seen += data
    while b"#" in seen and len(seen) > seen.index(b"#") + 2:
        packet, seen = seen.split(b"#", 1)
        seen = seen[2:]
        order = packet[packet.index(b"$") + 1:]
        if order == b"c":
            went = True
            goes_on(sys.argv[1])
        else:
            say(answer(order, sys.argv[1], went))
"""
SAID = (
    "server: error[X001]: the program 'server' has ended, or doesn't answer as it should, "
    "expected it to run extensions for Xtensa"
)


def engine(folder: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> QemuEngine:
    """An engine with that server in the place of QEMU."""
    path = folder / "server"
    path.write_text(f"#!{sys.executable}\n{SERVER}", encoding="utf-8")
    path.chmod(0o755)
    known = xtensa.MACHINE.qemu
    assert known is not None
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return QemuEngine(xtensa.MACHINE, dataclasses.replace(known, program="server", words=(how,)))


@pytest.mark.parametrize("how", ["flood", "end", "letters", "few", "odd"])
def test_a_server_that_goes_wrong_while_code_runs_is_said(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends, talks without end, or says what registers can't be: no traceback, no fault."""
    made = engine(tmp_path, how, monkeypatch)
    with pytest.raises(MissingError) as caught:
        made.run(0x60000000, 0x60001000, 60.0)
    assert str(caught.value) == SAID


def test_a_server_that_hangs_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has been asked to stop, and there is no answer."""
    for each in (gdb_remote, qemu):
        monkeypatch.setattr(each, "PATIENCE", 0.2)
    made = engine(tmp_path, "hang", monkeypatch)
    with pytest.raises(MissingError) as caught:
        made.run(0x60000000, 0x60001000, 0.1)
    assert str(caught.value) == SAID


def test_memory_that_is_no_number_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a call, when somebody looks at what it has left."""
    made = engine(tmp_path, "memory", monkeypatch)
    made.run(0x60000000, 0, 60.0)
    for look in (made.read, made.peek):
        with pytest.raises(MissingError) as caught:
            look(0x60000000, 8)
        assert str(caught.value) == SAID


def test_what_is_closed_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process is gone; whoever still calls something is told."""
    made = engine(tmp_path, "stop", monkeypatch)
    assert made.run(0x60000000, 0, 60.0).kind is None
    process = made._remote._process
    made.close()
    assert process.poll() == -signal.SIGKILL
    with pytest.raises(MissingError) as caught:
        made.write(0x60000000, b"1")
    assert str(caught.value) == SAID
    made.close()


KILLED = """\
import os, sys
from west_llext.emulate.gdb_remote import Remote

remote = Remote([sys.executable, "-c", "import signal; signal.pause()"])
print(remote._process.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_what_is_killed_leaves_no_qemu_behind() -> None:
    """An endless loop in it would take a processor for ever."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        child = os.pidfd_open(int(process.stdout.readline()))
        process.kill()
    ended, _, _ = select.select([child], [], [], 60)
    os.close(child)
    assert ended == [child]
