# SPDX-License-Identifier: Apache-2.0
"""An emulated target: a base image, extensions beside it, and calls of their functions."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace as replaced
from typing import NamedTuple

from west_llext.emulate import semihosting
from west_llext.emulate.arguments import CallArguments, passed
from west_llext.emulate.budget import Budget
from west_llext.emulate.engine import Engine, Stopped
from west_llext.emulate.faults import Fault, FaultKind, Place
from west_llext.emulate.heap import Heap
from west_llext.emulate.host import Host
from west_llext.emulate.image import Image
from west_llext.emulate.limits import Limits
from west_llext.emulate.machine import Attributes
from west_llext.emulate.machines import machine_of
from west_llext.emulate.mapped import Mapped
from west_llext.emulate.mapped import Mapping as MappedRange
from west_llext.emulate.qemu import QemuEngine
from west_llext.emulate.result import Result
from west_llext.emulate.scratch import GUARD, SLOT, Scratch, scratch
from west_llext.emulate.standin import StandIn, result_words, values
from west_llext.emulate.standins import STAND_INS
from west_llext.emulate.touched import Accesses, Watch
from west_llext.model.elf import Ident

_MEMORY_FAULTS = frozenset(
    {FaultKind.READ, FaultKind.WRITE, FaultKind.READ_PROTECTED, FaultKind.WRITE_PROTECTED}
)
# an instruction inside of a block has ended it, where the counter is there at least
_IN_BLOCK = _MEMORY_FAULTS | {FaultKind.INSTRUCTION}
_MAYBE_IN_BLOCK = frozenset({FaultKind.EXCEPTION, FaultKind.WAITS})
# the function has been entered, and nothing of it has run
_AT_ENTRY = frozenset(
    {
        *(FaultKind.NO_STAND_IN, FaultKind.STAND_IN, FaultKind.HEAP, FaultKind.ABORT),
        *(FaultKind.FETCH, FaultKind.FETCH_PROTECTED, FaultKind.OUTPUT_LIMIT),
    }
)


class BusyError(Exception):
    """Something was asked of a target in the middle of a call."""


class Constructed(NamedTuple):
    """A constructor that was run: its image's name, its number (from 1), what came of it."""

    image: str
    number: int
    result: Result


class Target:
    """A target in an emulator. Load a base image, then extensions, `bring_up()`, then call."""

    def __init__(
        self,
        *,
        ident: Ident,
        attributes: Attributes,
        limits: Limits | None = None,
        stand_ins: Mapping[str, StandIn] = STAND_INS,
        replace: Collection[str] = (),
        watch: Watch = Watch.NOTHING,
        ticks: int = 1000,
    ) -> None:
        """A target for code of this machine, with these build attributes.

        replace: functions that the host does even where an image has them
        ticks: of the kernel's clock, in a second
        Raises MissingError (X001) without unicorn, LlextError (X002) for a machine that can't be
        emulated.
        """
        self.machine = machine_of(ident)
        self.core = self.machine.core(attributes, ident.flags)
        self._ident = ident
        self._limits = limits or Limits()
        self._budget = Budget(self._limits)
        self._stand_ins = dict(stand_ins)
        self._replace = set(replace)
        self._ticks = ticks
        qemu = self.machine.qemu
        self._engine = (
            Engine(self.machine, self.core) if qemu is None else QemuEngine(self.machine, qemu)
        )
        self._engine.on_block = self._on_block
        self._engine.on_trap = self._on_trap
        self._images = Mapped(
            engine=self._engine, machine=self.machine, ident=ident, limit=self._limits.memory
        )
        self._waiting: list[tuple[str, int, int]] = []
        self._slots: dict[str, int] = {}
        self._watched: dict[int, str] = {}
        self._scratch: Scratch | None = None
        self._host: Host | None = None
        self._arguments: Heap | None = None
        self._counts: dict[tuple[int, int], int] = {}
        self._instructions = 0
        self._busy = False
        self._block = (0, 0)
        self._of_base: dict[str, int] = {}
        self._hollow = False
        self._accesses: Accesses | None = None
        if watch is Watch.MEMORY:
            self._accesses = Accesses()
            note = self._accesses.note
            self._engine.watch_memory(lambda at, size, write: note(at, size, write=write))

    def load(self, image: Image) -> None:
        """Put an image into memory; its constructors wait for `bring_up()`.

        Raises LlextError where it is for another machine (X005), too large (X006), or where
        another image is (X007).
        """
        self._refuse_while_busy()
        self._images.refuse(image)
        self._add(image)
        self._waiting += [
            (image.name, number, address) for number, address in enumerate(image.constructors, 1)
        ]
        for register, symbol in self.machine.of_base:
            if symbol in image.exports:
                self._of_base[register] = image.exports[symbol]
        self._hollow = self._hollow or image.hollow
        wanted = self._stand_ins.keys() if image.hollow else self._replace & self._stand_ins.keys()
        for name in sorted(wanted & image.exports.keys()):
            self._watch(image.exports[name], name)

    def stand_in(self, stand_in: StandIn) -> None:
        """Let the host do a function from now on, also where an image has it."""
        self._refuse_while_busy()
        name = stand_in.name
        self._stand_ins[name] = stand_in
        self._replace.add(name)
        for image in self._images:
            if name in image.exports:
                self._watch(image.exports[name], name)

    def bring_up(self) -> tuple[Constructed, ...]:
        """Run the constructors of what was loaded, in order, until one doesn't return."""
        done: list[Constructed] = []
        waiting, self._waiting = self._waiting, []
        with self.as_one_call():
            for image, number, address in waiting:
                result = self.call(address)
                done.append(Constructed(image, number, result))
                if not result.returned:
                    break
        return tuple(done)

    def address_of(self, name: str) -> int | None:
        """The address of an image's export, else of a stand-in; None where there is neither."""
        for image in self._images:
            if name in image.exports:
                return image.exports[name]
        if name not in self._stand_ins:
            return None
        if name not in self._slots:
            self._refuse_while_busy()
            slots = self._ready_scratch().slots
            address = slots.start + len(self._slots) * SLOT | self.machine.state_mask
            if address >= slots.end:
                return None
            self._slots[name] = address
            code = self.machine.return_code(address)
            self._engine.write(address & ~self.machine.state_mask, code)
            self._watch(address, name)
        return self._slots[name]

    def call(self, address: int, *arguments: int) -> Result:
        """Call a function with arguments of a word each.

        Whatever it does, this returns: `Result.fault` says why where the function didn't. Raises
        BusyError where a stand-in calls it: the emulator has one state, and that is in use.
        """
        self._refuse_while_busy()
        start = time.monotonic()
        self._ready_scratch()
        self._enter(address, arguments)
        self._instructions, self._block = 0, (0, 0)
        if self._accesses is not None:
            self._accesses.clear()
        returns = self._ready_scratch().returns.start
        budget, host = self._budget, self.host()
        budget.begin()
        host.output_limit = budget.output
        self._busy = True
        try:
            stopped = self._engine.run(address, returns, budget.seconds)
        finally:
            self._busy = False
        printed = host.printed
        result = self._result(stopped)
        taken = time.monotonic() - start
        budget.spend(seconds=taken, instructions=result.instructions, output=printed)
        return result

    def as_one_call(self) -> AbstractContextManager[None]:
        """Let the limits of a call hold for all calls in the block together."""
        return self._budget.shared()

    def host(self) -> Host:
        """The target's console, clock and heap, and its memory as stand-ins see it."""
        if self._host is None:
            self._host = Host(
                read=self._read,
                store=self._write,
                heap=self._ready_scratch().heap,
                output_limit=self._limits.output,
                ticks=self._ticks,
            )
        return self._host

    def arguments(self) -> Heap:
        """Memory for what pointers among arguments point to."""
        if self._arguments is None:
            self._arguments = Heap(self._ready_scratch().arguments)
        return self._arguments

    def regions(self) -> tuple[MappedRange, ...]:
        """What is where in memory, by address."""
        return self._images.regions()

    def close(self) -> None:
        """End what runs beside this process for it; nothing can be called any more."""
        self._engine.close()

    def _refuse_while_busy(self) -> None:
        if self._busy:
            raise BusyError

    def _add(self, image: Image) -> None:
        self._images.add(image)
        self._counts.clear()

    def _ready_scratch(self) -> Scratch:
        if self._scratch is None:
            self._scratch = scratch(self.machine, self._images.pages, self._limits)
            self._add(self._scratch.image(self._ident))
        return self._scratch

    def _read(self, address: int, size: int) -> bytes:
        if self._accesses is not None:
            self._accesses.note(address, size, write=False)
        return self._engine.read(address, size)

    def _write(self, address: int, data: bytes) -> None:
        if self._accesses is not None:
            self._accesses.note(address, len(data), write=True)
        self._engine.write(address, data)

    def _enter(self, address: int, arguments: tuple[int, ...]) -> None:
        # Registers and stack as the called function expects them.
        machine, engine, room = self.machine, self._engine, self._ready_scratch()
        for name in machine.shown:
            if name not in {machine.counter, machine.status}:
                engine.set_register(name, self._of_base.get(name, 0))
        where = passed(machine, arguments)
        words = list(where.stack)
        stack = room.stack.end - len(words) * machine.word
        stack -= stack % machine.stack_alignment
        returns = room.returns.start | (address & machine.state_mask)
        if machine.link is None:
            words.insert(0, returns)
            stack -= machine.word
        else:
            engine.set_register(machine.link, returns)
        engine.write(stack, b"".join(each.to_bytes(machine.word, "little") for each in words))
        engine.set_register(machine.stack, stack)
        for name, value in where.registers:
            engine.set_register(name, value)

    def _on_block(self, address: int, size: int) -> None:
        if address in self._watched:
            self._block = (address, 0)  # a stand-in is about to run in its place
            return
        self._block = (address, size)
        self._instructions += self._count(address, size)
        if self._instructions > self._budget.instructions:
            self._engine.stop(Stopped(FaultKind.INSTRUCTION_LIMIT))
        elif self._hollow and self._images.is_hollow(address):
            self._instructions -= self._count(address, size)
            self._engine.stop(Stopped(FaultKind.NO_STAND_IN))

    def _count(self, address: int, size: int) -> int:
        if size <= 0:
            return 0
        known = self._counts.get((address, size))
        if known is None:
            # none where the target has its own page tables: then it is one at least
            code = self._engine.peek(address, size)
            status = self._engine.register(self.machine.status)
            known = self.machine.instruction_count(code, status) if code else 1
            self._counts[address, size] = known
        return known

    def _on_trap(self, number: int) -> bool:
        machine, engine = self.machine, self._engine
        counter, status = engine.register(machine.counter), engine.register(machine.status)
        resume = machine.semihosting(engine.peek, number, counter, status)
        if resume is None:
            return False
        operation, argument = (engine.register(name) for name in machine.arguments[:2])
        answer = semihosting.answer(self.host(), operation, argument, machine.word)
        engine.set_register(machine.result[0], answer)
        engine.set_register(machine.counter, resume)
        return True

    def _watch(self, address: int, name: str) -> None:
        address &= ~self.machine.state_mask
        if address not in self._watched:
            self._engine.watch(address, lambda: self._stand_in(address))
        self._watched[address] = name

    def _stand_in(self, address: int) -> None:
        # Does what the function would do, and returns to its caller.
        stand_in = self._stand_ins[self._watched[address]]
        machine, engine, host = self.machine, self._engine, self.host()
        start, size = self._block
        # what is behind the stand-in's address in its block isn't run
        self._instructions -= self._count(start, size) - self._count(start, address - start)
        arguments = CallArguments(machine=machine, host=host, register=engine.register)
        value = stand_in.function(host, *values(stand_in, arguments, machine, host))
        words = result_words(stand_in, value, machine)
        # more than two only on Arm, in the registers of the first arguments
        names = machine.result if len(words) <= len(machine.result) else machine.arguments
        for name, word in zip(names, words, strict=False):
            engine.set_register(name, word)
        if machine.link is not None:
            engine.set_register(machine.counter, engine.register(machine.link))
            return
        stack = engine.register(machine.stack)
        back = int.from_bytes(engine.read(stack, machine.word), "little")
        engine.set_register(machine.stack, stack + machine.word)
        engine.set_register(machine.counter, back)

    def _result(self, stopped: Stopped) -> Result:
        low, high = (self._engine.register(name) for name in self.machine.result)
        fault = None if stopped.kind is None else self._fault(stopped.kind, stopped.address)
        if self._engine.executed is not None:
            self._instructions = self._engine.executed
        accesses = self._accesses
        return Result(
            value=low,
            pair=high << self.machine.bits | low,
            output=self.host().taken_output(),
            instructions=self._instructions,
            fault=fault,
            status=stopped.status,
            touched=() if accesses is None else accesses.touched(self.regions()),
            bits=self.machine.bits,
        )

    def _fault(self, kind: FaultKind, address: int | None) -> Fault:
        machine, engine = self.machine, self._engine
        counter = engine.register(machine.counter)
        start, size = self._block
        if self._engine.executed is not None and self._images.is_hollow(counter):
            kind = FaultKind.NO_STAND_IN  # nobody has watched it
        elif kind is FaultKind.NO_STAND_IN:
            counter = start
        inside = start <= counter <= start + size
        if kind in _IN_BLOCK or (kind in _MAYBE_IN_BLOCK and inside):
            # the rest of the block was not executed
            self._instructions -= self._count(start, size)
            if start < counter <= start + size:
                self._instructions += self._count(start, counter - start)
        if kind in _MEMORY_FAULTS and not self._stack_is_sound(address):
            kind = FaultKind.STACK_OVERFLOW
        back = self._return_address(kind)
        if back is not None and back & ~machine.state_mask == self._ready_scratch().returns.start:
            back = None  # nobody here has called it
        return Fault(
            kind=kind,
            counter=counter,
            address=address,
            place=self._place(counter),
            caller=None if back is None else self._images.call_place(back),
            registers=tuple((name, engine.register(name)) for name in machine.shown),
        )

    def _return_address(self, kind: FaultKind) -> int | None:
        machine, engine = self.machine, self._engine
        if machine.link is not None:
            return engine.register(machine.link)
        if kind not in _AT_ENTRY:
            return None
        raw = engine.peek(engine.register(machine.stack), machine.word)
        return int.from_bytes(raw, "little") if raw else None

    def _place(self, address: int) -> Place | None:
        found = self._images.place(address)
        name = self._watched.get(address)
        if found is not None and found.function is None and name is not None:
            return replaced(found, function=name, offset=0)
        return found

    def _stack_is_sound(self, wanted: int | None) -> bool:
        stack = self._ready_scratch().stack
        just_below = wanted is not None and stack.start - GUARD <= wanted < stack.start
        return not just_below and self._engine.register(self.machine.stack) >= stack.start
