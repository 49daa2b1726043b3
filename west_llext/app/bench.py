# SPDX-License-Identifier: Apache-2.0
"""A target on the host: extensions of any mode are loaded into it and brought up, and called.

The model of the target's loader decides where an extension goes and what of it is relocated; the
emulator executes what the model has made, beside the base image or what stands for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path, PurePath
from typing import NamedTuple

from west_llext.app.blob_info import blob_info
from west_llext.app.calls import AddressOf, Argument, FunctionCall, Pointed
from west_llext.app.debug_info import debug_file
from west_llext.app.fit import fit
from west_llext.app.ground import Beside, Ground, ground
from west_llext.app.load_settings import Offered, Settings, storage_of
from west_llext.app.placed import Placed, fixed, placed
from west_llext.app.trial import only_storage
from west_llext.app.verdicts import doubts, failed, on_one_line, refused
from west_llext.base.abi import abi_of
from west_llext.diagnostics import Diagnostic, LlextError, Related, Span, did_you_mean
from west_llext.elf.note import note
from west_llext.elf.read import file_content, object_file
from west_llext.emulate.blob import blob_image
from west_llext.emulate.limits import Limits
from west_llext.emulate.mapped import data_at
from west_llext.emulate.memory import Access
from west_llext.emulate.result import Result
from west_llext.emulate.standin import StandIn
from west_llext.emulate.standins import STAND_INS
from west_llext.emulate.standins_kernel import KERNEL
from west_llext.emulate.target import Target
from west_llext.emulate.touched import Watch
from west_llext.loader.danger import Danger
from west_llext.loader.errnos import Errno, spelled
from west_llext.loader.extension import Llext, LoadParameters
from west_llext.loader.log import Log
from west_llext.loader.storage import BufferLoader, Storage
from west_llext.loader.system import Loaded, System
from west_llext.model.elf import SHF_ALLOC, FileType, ObjectFile
from west_llext.model.manifest import Mode
from west_llext.record import record

#: A symbol of the base image is elsewhere, or gone.
_MOVED = frozenset({"I001", "I002"})
_FREE = LoadParameters()
# as docs/modes.md tells users to load them
_FIXED = LoadParameters(relocate_local=False, pre_located=True)
_PAGE = 4096


@record(frozen=True, slots=True, kw_only=True)
class BenchPlan:
    """What a target on the host is to be.

    replace: functions that the host is to do even where the base image has them
    stand_ins: the user's own, by name; they replace what the base image has
    """

    beside: Beside = field(default_factory=Beside)
    limits: Limits = field(default_factory=Limits)
    replace: tuple[str, ...] = ()
    stand_ins: Mapping[str, StandIn] = field(default_factory=dict)
    watch: Watch = Watch.NOTHING


class Called(NamedTuple):
    """A call that was made; constructors are named `constructor N`, counted from 1.

    kept: what buffers among the arguments held afterwards, in order
    """

    call: FunctionCall
    result: Result
    kept: tuple[bytes, ...] = ()


class Started(NamedTuple):
    """What came of constructors or destructors; findings: where they couldn't be called (X012)."""

    called: tuple[Called, ...]
    findings: tuple[Diagnostic, ...] = ()


class _StoppedError(Exception):
    # a function of a table didn't return
    pass


class _Extension(NamedTuple):
    # ext: as the model has it; None where it is prelocated
    placed: Placed
    ext: Llext | None


class Bench:
    """A target on the host. What it runs beside is settled when the first extension is loaded."""

    def __init__(self, plan: BenchPlan) -> None:
        """Nothing is loaded yet."""
        self._plan = plan
        self._stand_ins = dict(plan.stand_ins)
        self._extensions: dict[str, _Extension] = {}
        self._ground: Ground | None = None
        self._next = 0

    @property
    def target(self) -> Target:
        """The emulated target; there is one as soon as something is loaded."""
        return self._target

    @property
    def core(self) -> str:
        """The model of the processor."""
        return self._target.core.name

    def stand_in(self, stand_in: StandIn) -> None:
        """Let the host do a function from now on.

        Raises LlextError (X011) for a name that nobody knows, where something is loaded already.
        """
        if self._ground is not None:
            known = stand_in.name.encode() in self._ground.target.symbols
            if not known and stand_in.name not in self._ground.image.exports:
                raise LlextError([_too_late(stand_in.name)])
            self._target.stand_in(stand_in)
        self._stand_ins[stand_in.name] = stand_in

    def load(self, path: Path, name: str | None = None) -> tuple[Diagnostic, ...]:
        """Load a blob; warnings about it.

        Raises LlextError where it can't be loaded (L, X002 to X007), and MissingError (L001, X001)
        where it can't be read, or the emulator isn't installed.
        """
        label = name or path.stem
        if label in self._extensions:
            raise LlextError([_twice(path, label)])
        data = file_content(path)
        file = object_file(data, path.as_posix())
        self._start(file)
        self._refuse_other_base(file, data)
        debug = debug_file(file, path)
        if _is_fixed(file):
            # it runs where it is placed, and the loader only makes its exports known to others
            made = fixed(blob_image(file, label), debug)
            self._target.load(made.image)
            self._extensions[label] = _Extension(made, None)
            with suppress(Danger):
                self._loaded(label, data, Storage.WRITABLE, _FIXED)
            return ()
        at = Span(PurePath(path))
        try:
            loaded = self._loaded(label, data, self._storage(), _FREE)
        except Danger as danger:
            raise LlextError([refused(label, at, danger)]) from None
        if loaded.ext is None:
            raise LlextError([failed(label, at, loaded)])
        made = placed(self._system, loaded.ext, label, file, debug)
        self._target.load(made.image)
        self._extensions[label] = _Extension(made, loaded.ext)
        return tuple(doubts(label, at, loaded))

    def bring_up(self, name: str) -> Started:
        """Run what sets an extension up (llext_bringup), until something doesn't return."""
        return self._table(name, "constructor")

    def tear_down(self, name: str) -> Started:
        """Run what cleans up behind it (llext_teardown)."""
        return self._table(name, "destructor")

    def call(self, call: FunctionCall) -> Called:
        """Call a function; raises LlextError where there is none (X009), or no such argument."""
        address = self.function(call)
        pieces = [
            (each, self._piece(call, each)) for each in call.arguments if isinstance(each, Pointed)
        ]
        places = iter([place for _, place in pieces])
        words = [
            next(places) if isinstance(each, Pointed) else self._word(call, each)
            for each in call.arguments
        ]
        try:
            result = self._target.call(address, *words)
            host = self._target.host()
            kept = [host.read(at, len(each.content)) for each, at in pieces if each.kept]
        finally:
            for _, place in pieces:
                self._target.arguments().free(place)
        return Called(call, result, tuple(kept))

    def function(self, call: FunctionCall) -> int:
        """The address of the function of a call; raises LlextError (X009) where there is none."""
        extension = self._extensions.get(call.extension)
        if extension is None:
            known = list(self._extensions)
            message = f"there is no blob of an extension '{call.extension}', expected one of: "
            raise LlextError([_unknown(call.extension, known, "command line", message)])
        image = extension.placed.image
        if call.function not in image.exports:
            message = f"extension '{image.name}' exports no '{call.function}', it exports: "
            raise LlextError([_unknown(call.function, list(image.exports), image.file, message)])
        address = image.exports[call.function]
        place = data_at(self._target.regions(), address)
        if place is not None:
            message = f"'{call.function}' of '{image.name}' is no function: it is in '{place}'"
            raise LlextError(
                [Diagnostic(code="X009", at=Span(PurePath(image.file)), message=message)]
            )
        return address

    def symbol(self, extension: str, name: str) -> int | None:
        """The address of a symbol of an extension, or else of the base image; None for none."""
        found = self._extensions[extension].placed.symbols.get(name)
        if found is None:
            found = self._target.address_of(name)
        return found

    def symbols(self, extension: str) -> Mapping[str, int]:
        """Every symbol of an extension that is known, by name."""
        return self._extensions[extension].placed.symbols

    def file(self, extension: str) -> str:
        """The file that an extension came from, as messages call it."""
        return self._extensions[extension].placed.image.file

    def close(self) -> None:
        """End what runs for it; nothing can be loaded or called any more."""
        if self._ground is not None:
            self._target.close()

    def _start(self, file: ObjectFile) -> None:
        if self._ground is not None:
            return
        plan = self._plan
        own = self._stand_ins
        made = ground(plan.beside, abi_of(file), tuple(own))
        replace = {*plan.replace, *own, *(KERNEL if made.kernel else ())}
        self._target = Target(
            ident=made.abi.ident,
            attributes=made.abi.attributes,
            limits=plan.limits,
            stand_ins={**STAND_INS, **own},
            replace=replace,
            watch=plan.watch,
            ticks=made.ticks,
        )
        self._target.load(made.image)
        if made.more is not None:
            self._target.load(made.more)
        self._system = System(made.target)
        self._next = made.files
        self._ground = made

    def _refuse_other_base(self, file: ObjectFile, data: bytes) -> None:
        # the target doesn't ask whether a blob is for this base image; here it helps
        base = self._plan.beside.image
        if base is None:
            return
        moved = [each for each in fit(blob_info(file, data), base).findings if each.code in _MOVED]
        if moved:
            raise LlextError(moved)

    def _storage(self) -> Storage:
        offered = Offered(symbols={}, image=self._plan.beside.image)
        return only_storage(self._system.target) or storage_of(Settings(), offered)

    def _loaded(
        self, name: str, data: bytes, storage: Storage, parameters: LoadParameters
    ) -> Loaded:
        system = self._system
        loader = BufferLoader(
            memory=system.memory,
            address=self._next,
            data=data,
            storage=storage,
            bits=system.target.bits,
            bounded=system.target.rules.bounded_peek,
        )
        # with a byte to spare, so that files never touch
        self._next += -(-(len(data) + 1) // _PAGE) * _PAGE
        return system.load(loader, name, parameters)

    def _table(self, name: str, what: str) -> Started:
        extension = self._extensions[name]
        called: list[Called] = []

        def run(address: int) -> None:
            label = FunctionCall(name, f"{what} {len(called) + 1}")
            called.append(Called(label, self._target.call(address)))
            if not called[-1].result.returned:
                raise _StoppedError

        log = Log()
        setup = what == "constructor"
        try:
            with self._target.as_one_call():
                if extension.ext is None:
                    result = _fixed_table(extension.placed, setup=setup, run=run, log=log)
                elif setup:
                    result = self._system.bringup(extension.ext, run, log)
                else:
                    result = self._system.teardown(extension.ext, run, log)
        except _StoppedError:
            result = 0
        except Danger as danger:
            at = Span(PurePath(self.file(name)))
            raise LlextError([refused(name, at, danger)]) from None
        if result >= 0:
            return Started(tuple(called))
        function = "llext_bringup" if setup else "llext_teardown"
        return Started(tuple(called), (_refused(extension, function, result, log),))

    def _piece(self, call: FunctionCall, argument: Pointed) -> int:
        size = len(argument.content)
        place = self._target.arguments().allocate(size)
        if not place:
            message = (
                f"{size} bytes of '{call.extension}:{call.function}' have no room, there are "
                f"{self._plan.limits.arguments} for all arguments"
            )
            raise LlextError([Diagnostic(code="X010", at=_COMMAND_LINE, message=message)])
        self._target.host().store(place, argument.content)
        return place

    def _word(self, call: FunctionCall, argument: Argument) -> int:
        if isinstance(argument, int):
            return argument
        assert isinstance(argument, AddressOf)  # noqa: S101  for the type checker
        found = self.symbol(call.extension, argument.name)
        if found is None:
            known = list(self.symbols(call.extension))
            message = f"extension '{call.extension}' has no symbol '{argument.name}', it has: "
            raise LlextError([_unknown(argument.name, known, self.file(call.extension), message)])
        return found


_COMMAND_LINE = Span(PurePath("command line"))


def _is_fixed(file: ObjectFile) -> bool:
    found = note(file)
    if found is not None:
        return found.mode is Mode.PRELOCATED
    return file.file_type == FileType.DYN and not any(
        file.sections[index].flags & SHF_ALLOC or not index for index in file.relocations
    )


def _fixed_table(placed: Placed, *, setup: bool, run: Callable[[int], None], log: Log) -> int:
    # what the loader does, with the addresses that the extension was placed at
    image = placed.image
    code = [each for each in image.chunks if each.access & Access.EXECUTE]
    for number, entry in enumerate(image.constructors if setup else image.destructors):
        if not any(each.address <= entry < each.end for each in code):
            what = "bringup" if setup else "teardown"
            log.err(f"{what} function {number} ({entry:#x}) outside text region")
            return -Errno.EFAULT
        run(entry)
    return 0


def _refused(extension: _Extension, function: str, result: int, log: Log) -> Diagnostic:
    image = extension.placed.image
    at = Span(PurePath(image.file))
    lines = [each.text for each in log.lines]
    return Diagnostic(
        code="X012",
        at=at,
        message=f"{function}() of '{image.name}' returns {spelled(result)}: {lines[0]}",
        related=tuple(Related(at=at, message=f"the loader logs: {each}") for each in lines),
    )


def _twice(path: Path, name: str) -> Diagnostic:
    message = f"there is already a blob of an extension '{name}', expected one blob of each name"
    return Diagnostic(code="X010", at=Span(path), message=message)


def _too_late(name: str) -> Diagnostic:
    return Diagnostic(
        code="X011",
        at=Span(PurePath("stand-ins")),
        message=f"'{name}' gets a stand-in, and has no address: neither the base image nor a "
        "stand-in had this name when the first extension was loaded",
        hint="set it before the first extension is loaded",
    )


def _unknown(name: str, known: list[str], place: str, message: str) -> Diagnostic:
    return Diagnostic(
        code="X009",
        at=Span(PurePath(place)),
        message=message + listed(known),
        hint=did_you_mean(name, known),
    )


def listed(names: Iterable[str]) -> str:
    """Names in a message, sorted, the first 20."""
    ordered = sorted(names)
    shown = ", ".join(f"'{on_one_line(name)}'" for name in ordered[:20])
    more = f" and {len(ordered) - 20} others" if len(ordered) > 20 else ""
    return shown + more or "nothing"
