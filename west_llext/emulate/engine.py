# SPDX-License-Identifier: Apache-2.0
"""The emulator itself: the only module that knows unicorn, which is an optional dependency.

Hooks and code are changed only while nothing runs, and the translated code is thrown away with each
change: unicorn doesn't look at hooks again for code that it has translated.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, NamedTuple

from west_llext.diagnostics import Diagnostic, MissingError, Span
from west_llext.emulate.faults import FaultKind
from west_llext.emulate.host import ExitError, StopError
from west_llext.emulate.machine import INVALID, Core, Machine
from west_llext.emulate.memory import Access, Range
from west_llext.emulate.signals import Signals


class Stopped(NamedTuple):
    """Why the emulator stopped.

    kind: None where it reached the address that it was to reach, or the target asked to end
    address: the memory that an instruction wanted, or None
    status: what the target asked to end with, or None
    """

    kind: FaultKind | None
    address: int | None = None
    status: int | None = None


def unicorn_module() -> Any:
    """The module; raises MissingError (X001) where it isn't installed."""
    try:
        return importlib.import_module("unicorn")
    except ImportError as err:
        finding = Diagnostic(
            code="X001",
            at=Span(PurePath("unicorn")),
            message="the Python package 'unicorn' is missing, expected it for running extensions",
            hint="run 'pip install unicorn'",
        )
        raise MissingError([finding]) from err


class Engine:
    """An emulated processor with its memory.

    on_block: called with address and size before each block of instructions
    on_trap: called with the exception's number where an instruction raised one (INVALID where the
        emulator doesn't execute it at all); says whether that was seen to
    """

    def __init__(self, machine: Machine, core: Core) -> None:
        self._unicorn = unicorn_module()
        self._constants = importlib.import_module(f"unicorn.{machine.constants}")
        self._machine = machine
        mode = 0
        for name in core.modes:
            mode |= getattr(self._unicorn, name)
        self._uc = self._unicorn.Uc(getattr(self._unicorn, machine.arch), mode)
        self._uc.ctl_set_cpu_model(getattr(self._constants, core.model))
        self.on_block: Callable[[int, int], None] = lambda _address, _size: None
        self.on_trap: Callable[[int], bool] = lambda _number: False
        #: instructions of the last run; None where they are counted block by block
        self.executed: int | None = None
        self._stopped: Stopped | None = None
        self._wanted: int | None = None
        self._error: BaseException | None = None
        self._end = 0.0
        self._signals = Signals()
        self._entered = 0, 0
        hook = self._uc.hook_add
        hook(self._unicorn.UC_HOOK_BLOCK, self._block)
        hook(self._unicorn.UC_HOOK_INTR, self._interrupt)
        hook(self._unicorn.UC_HOOK_MEM_INVALID, self._invalid)
        for name in machine.calls:
            # else they would do nothing
            number = getattr(self._constants, name)
            hook(self._unicorn.UC_HOOK_INSN, self._call, None, 1, 0, number)
        for name, value in machine.setup:
            self.set_register(name, value)

    def map(self, pages: Range) -> None:
        """Add memory."""
        self._uc.mem_map(pages.start, pages.end - pages.start, self._protection(pages.access))

    def protect(self, pages: Range) -> None:
        """Change what may be done with memory."""
        self._uc.mem_protect(pages.start, pages.end - pages.start, self._protection(pages.access))
        self._uc.ctl_flush_tb()

    def read(self, address: int, size: int) -> bytes:
        """Bytes of memory; raises StopError where there is none."""
        try:
            return bytes(self._uc.mem_read(address, size))
        except self._unicorn.UcError as err:
            raise StopError(FaultKind.STAND_IN, address) from err

    def peek(self, address: int, size: int) -> bytes:
        """Bytes of memory; none where there is none."""
        try:
            return self.read(address, size)
        except StopError:
            return b""

    def write(self, address: int, data: bytes) -> None:
        """Change memory, read-only memory too; raises StopError where there is none."""
        try:
            self._uc.mem_write(address, data)
        except self._unicorn.UcError as err:
            raise StopError(FaultKind.STAND_IN, address) from err

    def written_code(self) -> None:
        """Must be called after code was written."""
        self._uc.ctl_flush_tb()

    def register(self, name: str) -> int:
        """A register's value, unsigned."""
        return int(self._uc.reg_read(self._number(name))) & self._machine.mask

    def set_register(self, name: str, value: int) -> None:
        """Change a register."""
        self._uc.reg_write(self._number(name), value & self._machine.mask)

    def watch(self, address: int, callback: Callable[[], None]) -> None:
        """Call `callback` whenever the instruction at `address` is about to be executed."""
        self._uc.hook_add(
            self._unicorn.UC_HOOK_CODE,
            lambda _uc, _address, _size, _data: self._guarded(callback),
            None,
            address,
            address,
        )
        self._uc.ctl_flush_tb()

    def watch_memory(self, callback: Callable[[int, int, bool], None]) -> None:
        """Call `callback` for each access, with its address, its size, and whether it writes."""
        kinds = self._unicorn.UC_HOOK_MEM_READ | self._unicorn.UC_HOOK_MEM_WRITE
        writes = self._unicorn.UC_MEM_WRITE

        def access(_uc: object, kind: int, at: int, size: int, _value: int, _data: object) -> None:
            callback(at, size, kind == writes)

        self._uc.hook_add(kinds, access)
        self._uc.ctl_flush_tb()

    def stop(self, reason: Stopped) -> None:
        """End the run, for that reason."""
        if self._stopped is None:
            self._stopped = reason
        self._uc.emu_stop()

    def run(self, start: int, until: int, seconds: float) -> Stopped:
        """Execute from `start` (with its state bits) until `until` is reached, or it stops."""
        self._stopped = self._wanted = self._error = None
        # not by unicorn's own timer: that is lost where it goes off before the emulator has started
        self._end = time.monotonic() + seconds
        with self._signals.held():
            failure = self._executed(start, until)
        if self._error is not None:
            raise self._error
        if self._stopped is not None:
            return self._stopped
        if failure is not None:
            return Stopped(self._kind(failure), self._wanted)
        if self.register(self._machine.counter) == until:
            return Stopped(None)
        return Stopped(FaultKind.WAITS if self._waits() else FaultKind.EXCEPTION)

    def close(self) -> None:
        """Nothing: it is part of this process, and goes with it."""

    def _executed(self, start: int, until: int) -> int | None:
        # executes until something ends that for good: the error's number, or None
        failure = self._started(start, until)
        while failure == self._unicorn.UC_ERR_INSN_INVALID:
            resume = self._resumed()
            if resume is None:
                break
            failure = self._started(resume, until)
        return failure

    def _started(self, start: int, until: int) -> int | None:
        # executes until something ends that: the error's number, or None
        try:
            self._uc.emu_start(start, until)
        except self._unicorn.UcError as err:
            return int(err.errno)
        return None

    def _resumed(self) -> int | None:
        # where to go on, if an instruction that isn't executed does nothing, or was meant for us
        if self._is_over():
            return None
        counter = self.register(self._machine.counter)
        for code, state in self._machine.hints:
            if self._is_behind(code):
                return counter | state
        done: list[bool] = []
        self._guarded(lambda: done.append(self.on_trap(INVALID)))
        if self._is_over() or done != [True]:
            return None
        return self.register(self._machine.counter)

    def _is_over(self) -> bool:
        return self._stopped is not None or self._error is not None

    def _number(self, name: str) -> int:
        return int(getattr(self._constants, self._machine.prefix + name))

    def _protection(self, access: Access) -> int:
        bits = 0
        for flag, name in (
            (Access.READ, "UC_PROT_READ"),
            (Access.WRITE, "UC_PROT_WRITE"),
            (Access.EXECUTE, "UC_PROT_EXEC"),
        ):
            if flag in access:
                bits |= getattr(self._unicorn, name)
        return bits

    def _block(self, _uc: object, address: int, size: int, _data: object) -> None:
        if time.monotonic() > self._end or self._signals.came:
            self.stop(Stopped(FaultKind.TIME_LIMIT))
            return
        self._entered = address, address + size
        self._guarded(lambda: self.on_block(address, size))

    def _interrupt(self, _uc: object, number: int, _data: object) -> None:
        def respond() -> None:
            if self.on_trap(number):
                return
            illegal = self._machine.illegal
            if illegal is None or number != illegal.exception:
                self.stop(Stopped(FaultKind.EXCEPTION))
                return
            counter = self.register(self._machine.counter)
            self.set_register(self._machine.counter, counter - illegal.ahead)
            self.stop(Stopped(FaultKind.INSTRUCTION))

        self._guarded(respond)

    def _call(self, _uc: object, _data: object) -> None:
        self.stop(Stopped(FaultKind.EXCEPTION))

    def _invalid(
        self, _uc: object, _kind: int, address: int, _size: int, _value: int, _data: object
    ) -> bool:
        self._wanted = address
        return False

    def _guarded(self, action: Callable[[], None]) -> None:
        # Nothing may be thrown through the emulator's own frames: keep it until they are gone.
        try:
            try:
                self._signals.passing = True
                action()
            finally:
                self._signals.passing = False
        except StopError as err:
            self.stop(Stopped(err.kind, err.address))
        except ExitError as err:
            self.stop(Stopped(None, status=err.status))
        except BaseException as err:  # noqa: BLE001 - raised again in run()
            self._error = err
            self._uc.emu_stop()

    def _kind(self, failure: int) -> FaultKind:
        names = {
            "UC_ERR_READ_UNMAPPED": FaultKind.READ,
            "UC_ERR_WRITE_UNMAPPED": FaultKind.WRITE,
            "UC_ERR_FETCH_UNMAPPED": FaultKind.FETCH,
            "UC_ERR_READ_PROT": FaultKind.READ_PROTECTED,
            "UC_ERR_WRITE_PROT": FaultKind.WRITE_PROTECTED,
            "UC_ERR_FETCH_PROT": FaultKind.FETCH_PROTECTED,
            "UC_ERR_INSN_INVALID": FaultKind.INSTRUCTION,
        }
        for name, kind in names.items():
            if getattr(self._unicorn, name) == failure:
                waits = kind is FaultKind.INSTRUCTION and self._waits()
                return FaultKind.WAITS if waits else kind
        return FaultKind.EXCEPTION

    def _waits(self) -> bool:
        return any(map(self._is_behind, self._machine.waits))

    def _is_behind(self, code: bytes) -> bool:
        # whether this instruction of the last block was executed right now
        counter = self.register(self._machine.counter)
        first, last = self._entered
        inside = first < counter <= last
        return inside and self.peek(counter - len(code), len(code)) == code
