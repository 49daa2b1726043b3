# SPDX-License-Identifier: Apache-2.0
"""An emulated target: a base image, extensions beside it, and calls of their functions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from west_llext.diagnostics import LlextError
from west_llext.emulate import findings, memory, semihosting
from west_llext.emulate.arguments import CallArguments, passed
from west_llext.emulate.engine import Engine, Stopped
from west_llext.emulate.faults import Fault, FaultKind
from west_llext.emulate.host import Host
from west_llext.emulate.image import Image, overlaps
from west_llext.emulate.limits import Limits
from west_llext.emulate.machine import Attributes
from west_llext.emulate.machines import machine_of
from west_llext.emulate.memory import Access, Range
from west_llext.emulate.places import place
from west_llext.emulate.scratch import GUARD, SLOT, Scratch, scratch
from west_llext.emulate.standins import STAND_INS, StandIn, result_words, values
from west_llext.model.elf import Ident

_MEMORY_FAULTS = frozenset(
    {FaultKind.READ, FaultKind.WRITE, FaultKind.READ_PROTECTED, FaultKind.WRITE_PROTECTED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a call.

    value: the first result register, unsigned
    pair: both result registers as one unsigned number, for results of two words
    output: what was printed
    instructions: how many were executed, with those that a condition skipped
    fault: why the function didn't return; None where it did
    status: what the target asked to end with; None where it didn't ask
    """

    value: int
    pair: int
    output: str
    instructions: int
    fault: Fault | None = None
    status: int | None = None

    @property
    def returned(self) -> bool:
        """Whether the function came back to its caller."""
        return self.fault is None and self.status is None


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
    ) -> None:
        """A target for code of this machine, with these build attributes.

        replace: functions that the host does even where an image has them
        Raises MissingError (X001) without unicorn, LlextError (X002) for a machine that can't be
        emulated.
        """
        self.machine = machine_of(ident)
        self.core = self.machine.core(attributes, ident.flags)
        self._ident = ident
        self._limits = limits or Limits()
        self._stand_ins = stand_ins
        self._replace = frozenset(replace)
        self._engine = Engine(self.machine, self.core)
        self._engine.on_block = self._on_block
        self._engine.on_trap = self._on_trap
        self._images: list[Image] = []
        self._pages: dict[int, Access] = {}
        self._waiting: list[tuple[str, int, int]] = []
        self._slots: dict[str, int] = {}
        self._scratch: Scratch | None = None
        self._host: Host | None = None
        self._counts: dict[tuple[int, int], int] = {}
        self._instructions = 0
        self._block = (0, 0)
        self._of_base: dict[str, int] = {}

    def load(self, image: Image) -> None:
        """Put an image into memory; its constructors wait for `bring_up()`.

        Raises LlextError where it is for another machine (X005), too large (X006), or where
        another image is (X007).
        """
        self._refuse(image)
        self._add(image)
        self._waiting += [
            (image.name, number, address) for number, address in enumerate(image.constructors, 1)
        ]
        for register, symbol in self.machine.of_base:
            if symbol in image.exports:
                self._of_base[register] = image.exports[symbol]
        for name in sorted(self._replace & image.exports.keys()):
            if name in self._stand_ins:
                self._watch(image.exports[name], self._stand_ins[name])

    def bring_up(self) -> tuple[Constructed, ...]:
        """Run the constructors of what was loaded, in order, until one doesn't return."""
        done: list[Constructed] = []
        waiting, self._waiting = self._waiting, []
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
            slots = self._ready_scratch().slots
            address = slots.start + len(self._slots) * SLOT | self.machine.state_mask
            self._slots[name] = address
            code = self.machine.return_code(address)
            self._engine.write(address & ~self.machine.state_mask, code)
            self._watch(address, self._stand_ins[name])
        return self._slots[name]

    def call(self, address: int, *arguments: int) -> Result:
        """Call a function with arguments of a word each.

        Whatever it does, this returns: `Result.fault` says why where the function didn't.
        """
        self._ready_scratch()
        self._enter(address, arguments)
        self._instructions, self._block = 0, (0, 0)
        returns = self._ready_scratch().returns.start
        stopped = self._engine.run(address, returns, self._limits.seconds)
        return self._result(stopped)

    def _refuse(self, image: Image) -> None:
        ours, theirs = self._ident, image.ident
        if (theirs.machine, theirs.bits, theirs.little) != (ours.machine, ours.bits, ours.little):
            raise LlextError([findings.other_machine(image, ours)])
        size = sum(chunk.size for chunk in image.chunks)
        if (
            size > self._limits.memory
            or len(self._grown(image)) * memory.PAGE > self._limits.memory
        ):
            raise LlextError([findings.too_large(image, self._limits.memory)])
        found = [findings.overlap(each) for each in overlaps([*self._images, image])]
        found += [
            findings.behind_memory(image, chunk, self.machine.mask)
            for chunk in image.chunks
            if chunk.end > self.machine.mask + 1
        ]
        if found:
            raise LlextError(found)

    def _grown(self, image: Image) -> dict[int, Access]:
        ranges = (Range(each.address, each.end, each.access) for each in image.chunks)
        return memory.pages(ranges, self._pages)

    def _add(self, image: Image) -> None:
        grown = self._grown(image)
        new = {number: access for number, access in grown.items() if number not in self._pages}
        changed = {
            number: access
            for number, access in grown.items()
            if self._pages.get(number, access) != access
        }
        for each in memory.runs(new):
            self._engine.map(each)
        for each in memory.runs(changed):
            self._engine.protect(each)
        for chunk in image.chunks:
            self._engine.write(chunk.address, chunk.content)
        self._engine.written_code()
        self._pages = grown
        self._counts.clear()
        self._images.append(image)

    def _ready_scratch(self) -> Scratch:
        if self._scratch is None:
            self._scratch = scratch(self.machine, self._pages, self._limits)
            self._add(self._scratch.image(self._ident))
        return self._scratch

    def _ready_host(self) -> Host:
        if self._host is None:
            self._host = Host(
                read=self._engine.read,
                store=self._engine.write,
                heap=self._ready_scratch().heap,
                output_limit=self._limits.output,
            )
        return self._host

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
        self._block = (address, size)
        self._instructions += self._count(address, size)
        if self._instructions > self._limits.instructions:
            self._engine.stop(Stopped(FaultKind.INSTRUCTION_LIMIT))

    def _count(self, address: int, size: int) -> int:
        known = self._counts.get((address, size))
        if known is None:
            code = self._engine.read(address, size)
            status = self._engine.register(self.machine.status)
            known = self.machine.instruction_count(code, status)
            self._counts[address, size] = known
        return known

    def _on_trap(self, number: int) -> bool:
        machine, engine = self.machine, self._engine
        counter, status = engine.register(machine.counter), engine.register(machine.status)
        resume = machine.semihosting(engine.peek, number, counter, status)
        if resume is None:
            return False
        operation, argument = (engine.register(name) for name in machine.arguments[:2])
        answer = semihosting.answer(self._ready_host(), operation, argument, machine.word)
        engine.set_register(machine.result[0], answer)
        engine.set_register(machine.counter, resume)
        return True

    def _watch(self, address: int, stand_in: StandIn) -> None:
        self._engine.watch(address & ~self.machine.state_mask, lambda: self._stand_in(stand_in))

    def _stand_in(self, stand_in: StandIn) -> None:
        # Does what the function would do, and returns to its caller.
        machine, engine, host = self.machine, self._engine, self._ready_host()
        self._instructions -= self._count(*self._block)
        arguments = CallArguments(machine=machine, host=host, register=engine.register)
        value = stand_in.function(host, *values(stand_in, arguments, machine, host))
        words = result_words(stand_in, value, machine)
        for name, word in zip(machine.result, words, strict=False):
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
        return Result(
            value=low,
            pair=high << self.machine.bits | low,
            output=self._ready_host().taken_output(),
            instructions=self._instructions,
            fault=fault,
            status=stopped.status,
        )

    def _fault(self, kind: FaultKind, address: int | None) -> Fault:
        machine, engine = self.machine, self._engine
        counter = engine.register(machine.counter)
        start, size = self._block
        if kind in _MEMORY_FAULTS or kind is FaultKind.INSTRUCTION:
            # the rest of the block was not executed
            self._instructions -= self._count(start, size)
            if start < counter <= start + size:
                self._instructions += self._count(start, counter - start)
        if kind in _MEMORY_FAULTS and not self._stack_is_sound(address):
            kind = FaultKind.STACK_OVERFLOW
        link = None if machine.link is None else engine.register(machine.link)
        mask = machine.state_mask
        return Fault(
            kind=kind,
            counter=counter,
            address=address,
            place=place(self._images, counter, mask),
            caller=None if link is None else place(self._images, link & ~mask, mask),
            registers=tuple((name, engine.register(name)) for name in machine.shown),
        )

    def _stack_is_sound(self, wanted: int | None) -> bool:
        stack = self._ready_scratch().stack
        just_below = wanted is not None and stack.start - GUARD <= wanted < stack.start
        return not just_below and self._engine.register(self.machine.stack) >= stack.start
