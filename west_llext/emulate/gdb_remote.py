# SPDX-License-Identifier: Apache-2.0
"""A conversation with QEMU's GDB server, over the pipes of a process that we have started.

Source: GDB manual, appendix "GDB Remote Serial Protocol" (packets g, G, m, M, c, Z0,
qRcmd, qThreadExtraInfo).
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Sequence

#: Bytes of memory in a packet; a server has room for at least twice as many digits.
_PIECE = 1024
#: Bytes that a server may say without a packet in them; it needs none at all.
_MAX_NOISE = 1 << 16
#: Seconds for an answer that needs no code to run.
PATIENCE = 20.0
#: prctl(2): the signal that a process gets when the one ends that has started it.
_PR_SET_PDEATHSIG = 1


class RemoteError(Exception):
    """The other side has ended, or says what nobody expects; never leaves this room."""


class Remote:
    """A QEMU that waits for orders."""

    def __init__(self, command: Sequence[str]) -> None:
        """Starts the command; OSError where that can't be done."""
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            preexec_fn=_bound(),  # noqa: PLW1509  two system calls, and no lock is taken
        )
        self._seen = b""
        self._end = weakref.finalize(self, _ended, self._process)

    def close(self) -> None:
        """End it; there is no answer to anything any more."""
        self._end()

    def registers(self) -> bytes:
        """All registers, as the server orders them."""
        return _bytes(self._asked(b"g"))

    def set_registers(self, data: bytes) -> None:
        """Change all of them."""
        self._ordered(b"G" + data.hex().encode())

    def read(self, address: int, size: int) -> bytes | None:
        """Bytes of memory; None where there is none."""
        found = bytearray()
        while len(found) < size:
            piece = min(_PIECE, size - len(found))
            answer = self._asked(b"m%x,%x" % (address + len(found), piece))
            if answer.startswith(b"E") or len(answer) != 2 * piece:
                return None
            found += _bytes(answer)
        return bytes(found)

    def write(self, address: int, data: bytes) -> bool:
        """Change memory; False where there is none."""
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            order = b"M%x,%x:%s" % (address + at, len(piece), piece.hex().encode())
            if self._asked(order) != b"OK":
                return False
        return True

    def stop_at(self, address: int) -> None:
        """Stop whenever the instruction at an address is about to be executed."""
        self._ordered(b"Z0,%x,1" % address)

    def go_on(self, seconds: float) -> bool:
        """Run until something stops it; False where it was we, when the time was over."""
        self._send(b"c")
        if self._answer(seconds) is not None:
            return True
        self._write(b"\x03")
        if self._answer(PATIENCE) is None:
            raise RemoteError
        return False

    def woken(self) -> bool:
        """Reset a processor that waits for an interrupt, which is never executed otherwise.

        False where it doesn't wait. Memory stays as it is.
        """
        state = self._asked(b"qThreadExtraInfo,1")  # in digits, such as `CPU#0 [halted ]`
        if b"[halted".hex().encode() not in state:
            return False
        self._ordered(b"qRcmd," + b"system_reset".hex().encode())
        return True

    def _ordered(self, order: bytes) -> None:
        if self._asked(order) != b"OK":
            raise RemoteError

    def _asked(self, order: bytes) -> bytes:
        self._send(order)
        answer = self._answer(PATIENCE)
        if answer is None:
            raise RemoteError
        return answer

    def _send(self, order: bytes) -> None:
        self._write(b"$%s#%02x" % (order, sum(order) & 0xFF))

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101  for the type checker
        try:
            os.write(self._process.stdin.fileno(), data)
        except (OSError, ValueError) as err:  # it has ended; we have ended it
            raise RemoteError from err

    def _answer(self, seconds: float) -> bytes | None:
        # the next packet; None where there is none in that time
        assert self._process.stdout is not None  # noqa: S101  for the type checker
        end = time.monotonic() + seconds
        while True:
            start = self._seen.find(b"$")
            stop = self._seen.find(b"#", start)
            if 0 <= start < stop and stop + 3 <= len(self._seen):
                packet = self._seen[start + 1 : stop]
                self._seen = self._seen[stop + 3 :]
                self._write(b"+")
                return packet
            if len(self._seen) > _MAX_NOISE:
                raise RemoteError
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                return None
            data = os.read(self._process.stdout.fileno(), 1 << 16)
            if not data:
                raise RemoteError
            self._seen += data


def _bytes(digits: bytes) -> bytes:
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError as err:
        raise RemoteError from err


def _bound() -> Callable[[], object] | None:
    # What makes a process end with us, however we end: QEMU goes on when nobody talks to it, and
    # an endless loop in it would take a processor for ever. Only Linux has this.
    if sys.platform != "linux":
        return None
    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return None
    ours = os.getpid()

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != ours:  # too late
            os.kill(os.getpid(), signal.SIGKILL)

    return bind


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
