# SPDX-License-Identifier: Apache-2.0
"""A processor in QEMU, for machines that unicorn doesn't have: the same as `engine.Engine`.

QEMU has its own memory: what may be done with a page isn't checked, and between images there is
memory, too. What is beyond raises exceptions, as on the processor. Code isn't watched block by
block: instructions are counted when a call is over, and only time ends an endless loop.
"""

from __future__ import annotations

import shutil
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath

from west_llext.diagnostics import Diagnostic, LlextError, MissingError, Span
from west_llext.emulate.engine import Stopped
from west_llext.emulate.faults import FaultKind
from west_llext.emulate.gdb_remote import PATIENCE, Remote, RemoteError
from west_llext.emulate.host import ExitError, StopError
from west_llext.emulate.machine import Machine, Qemu
from west_llext.emulate.memory import Range


class QemuEngine:
    """An emulated processor with its memory; see `engine.Engine`."""

    def __init__(self, machine: Machine, qemu: Qemu) -> None:
        """Raises MissingError (X001) where QEMU isn't installed, or doesn't start."""
        self._machine = machine
        self._qemu = qemu
        program = shutil.which(qemu.program)
        try:
            if program is None:
                raise FileNotFoundError
            self._remote = Remote([program, *qemu.words, *_COMMON])
            self._values = self._taken()
            for each in qemu.vectors:
                self._remote.stop_at(each)
        except (OSError, RemoteError) as err:
            raise MissingError([_missing(qemu.program, machine.name)]) from err
        self.on_block: Callable[[int, int], None] = lambda _address, _size: None
        self.on_trap: Callable[[int], bool] = lambda _number: False
        #: instructions of the last run; None where they are counted block by block
        self.executed: int | None = 0
        self._watched: dict[int, Callable[[], None]] = {}
        self._ends: set[int] = set()
        self._stopped: Stopped | None = None
        self._error: BaseException | None = None

    def map(self, pages: Range) -> None:
        """Refuse (X007) what isn't in the memory that QEMU's machine has."""
        memory = self._qemu.memory
        if not memory.start <= pages.start <= pages.end <= memory.end:
            raise LlextError([_outside(self._qemu, self._machine.name, pages)])

    def protect(self, pages: Range) -> None:
        """Nothing: QEMU's memory can do everything."""

    def read(self, address: int, size: int) -> bytes:
        """Bytes of memory; raises StopError where there is none."""
        with self._told():
            found = self._remote.read(address, size)
        if found is None:
            raise StopError(FaultKind.STAND_IN, address)
        return found

    def peek(self, address: int, size: int) -> bytes:
        """Bytes of memory; none where there is none."""
        with self._told():
            return self._remote.read(address, size) or b""

    def write(self, address: int, data: bytes) -> None:
        """Change memory; raises StopError where there is none."""
        with self._told():
            there = self._remote.write(address, data)
        if not there:
            raise StopError(FaultKind.STAND_IN, address)

    def written_code(self) -> None:
        """Nothing: QEMU sees it."""

    def register(self, name: str) -> int:
        """A register's value, unsigned."""
        return self._values[self._qemu.registers[name]]

    def set_register(self, name: str, value: int) -> None:
        """Change a register."""
        self._values[self._qemu.registers[name]] = value & self._machine.mask

    def watch(self, address: int, callback: Callable[[], None]) -> None:
        """Call `callback` whenever the instruction at `address` is about to be executed."""
        self._watched[address] = callback
        with self._told():
            self._remote.stop_at(address)

    def watch_memory(self, callback: Callable[[int, int, bool], None]) -> None:
        """Nothing: QEMU doesn't tell."""

    def stop(self, reason: Stopped) -> None:
        """End the run, for that reason."""
        if self._stopped is None:
            self._stopped = reason

    def run(self, start: int, until: int, seconds: float) -> Stopped:
        """Execute from `start` until `until` is reached, or it stops."""
        with self._told():
            return self._run(start, until, seconds)

    def close(self) -> None:
        """End QEMU; nothing can be done with it any more."""
        self._remote.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        # what comes of it when QEMU has ended, or answers what it never would
        try:
            yield
        except RemoteError as err:
            raise MissingError([_lost(self._qemu.program, self._machine.name)]) from err

    def _run(self, start: int, until: int, seconds: float) -> Stopped:
        self._stopped = self._error = None
        if until not in self._ends:
            self._ends.add(until)
            self._remote.stop_at(until)
        counter = self._machine.counter
        before = self._clock(until)
        self.set_register(counter, start)
        for name, value in self._qemu.start:
            self.set_register(name, value)
        end = time.monotonic() + seconds
        outcome: Stopped | None = None
        while outcome is None:
            outcome = self._went_on(until, end)
        found = self._values[:]
        passed = self._clock(until) - before & self._machine.mask
        self.executed = max(round(passed / self._qemu.cycles) - self._qemu.ahead, 0)
        self._values = found
        if self._error is not None:
            raise self._error
        return outcome

    def _went_on(self, until: int, end: float) -> Stopped | None:
        # runs to the next stop; None to go on
        self._put()
        stopped = self._remote.go_on(max(end - time.monotonic(), 0))
        self._values = self._taken()
        counter = self.register(self._machine.counter)
        if not stopped:
            # it would wait for an interrupt still when it is to read the clock
            return Stopped(FaultKind.WAITS if self._remote.woken() else FaultKind.TIME_LIMIT)
        if counter == until:
            return Stopped(None)
        if counter in self._qemu.vectors:
            return self._exception()
        if counter in self._watched:
            self.on_block(counter, 0)
            self._guarded(self._watched[counter])
        return self._stopped if self._error is None else Stopped(None)

    def _exception(self) -> Stopped:
        # as if the instruction that has raised it was still to be executed
        counter, cause, address = (self.register(name) for name in self._qemu.exception)
        self.set_register(self._machine.counter, counter)
        kind = self._qemu.kind(cause, self.peek(counter, 4))
        wanted = kind in {FaultKind.READ, FaultKind.WRITE}
        return Stopped(kind, address if wanted else None)

    def _clock(self, end: int) -> int:
        # cycles of the processor, which an instruction reads behind where calls end
        code, register = self._qemu.clock
        start = end + 16
        self.write(start, code)
        stop = start + len(code)
        if stop not in self._ends:
            self._ends.add(stop)
            self._remote.stop_at(stop)
        self.set_register(self._machine.counter, start)
        self._put()
        self._remote.go_on(PATIENCE)
        self._values = self._taken()
        return self.register(register)

    def _taken(self) -> list[int]:
        raw = self._remote.registers()
        if len(raw) % 4 or len(raw) // 4 <= max(self._qemu.registers.values()):
            raise RemoteError
        return list(struct.unpack(f"<{len(raw) // 4}I", raw))

    def _put(self) -> None:
        self._remote.set_registers(struct.pack(f"<{len(self._values)}I", *self._values))

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except StopError as err:
            self.stop(Stopped(err.kind, err.address))
        except ExitError as err:
            self.stop(Stopped(None, status=err.status))
        except BaseException as err:  # noqa: BLE001 - raised again in run()
            self._error = err


# an instruction takes 1,024 ns of the machine's time, whatever the host's clock says
_COMMON = (
    *("-display", "none", "-monitor", "none", "-serial", "none", "-S"),
    *("-icount", "shift=10,sleep=off"),
    *("-chardev", "stdio,id=gdb,signal=off", "-gdb", "chardev:gdb"),
)


def _missing(program: str, machine: str) -> Diagnostic:
    return Diagnostic(
        code="X001",
        at=Span(PurePath(program)),
        message=f"the program '{program}' is missing or doesn't start, expected it for running "
        f"extensions for {machine}",
        hint="install QEMU, such as the package 'qemu-system-misc' of Debian",
    )


def _lost(program: str, machine: str) -> Diagnostic:
    return Diagnostic(
        code="X001",
        at=Span(PurePath(program)),
        message=f"the program '{program}' has ended, or doesn't answer as it should, expected it "
        f"to run extensions for {machine}",
    )


def _outside(qemu: Qemu, machine: str, pages: Range) -> Diagnostic:
    return Diagnostic(
        code="X007",
        at=Span(PurePath(qemu.program)),
        message=f"memory at [{pages.start:#x}, {pages.end:#x}) is wanted, and QEMU's {machine} has "
        f"[{qemu.memory.start:#x}, {qemu.memory.end:#x})",
    )
