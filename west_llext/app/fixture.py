# SPDX-License-Identifier: Apache-2.0
"""What unit tests of extensions get: the pytest fixture `llext`.

Everything here that fails says all of it in the text of its exception; frames of the tool itself
are left out of what pytest shows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar, overload

from west_llext.app.bench import Bench, BenchPlan, Called, Started
from west_llext.app.calls import Argument, FunctionCall, Pointed
from west_llext.app.faulty import report
from west_llext.app.python_stand_ins import StandInFailedError, python_stand_in, stand_ins_of
from west_llext.app.run import beside_of
from west_llext.app.run_manifest import Opened
from west_llext.app.verdicts import on_one_line
from west_llext.diagnostics import LlextError
from west_llext.emulate.host import Host, StopError
from west_llext.emulate.limits import Limits
from west_llext.emulate.result import Result
from west_llext.emulate.standin import StandIn
from west_llext.emulate.target import BusyError

_Function = TypeVar("_Function", bound=Callable[..., object])


class ExtensionError(Exception):
    """An extension can't be loaded, or something of it isn't there; the text says all of it."""


class CallFaultError(ExtensionError):
    """A function didn't return; the text has the place, the registers and the memory.

    result: how far it has come
    """

    def __init__(self, text: str, result: Result) -> None:
        super().__init__(text)
        self.result = result


class CallResult:
    """What a function has returned.

    value: the register of the result, unsigned
    output: what it has printed
    instructions: how many it has run
    """

    def __init__(self, result: Result) -> None:
        self._result = result
        self.value = result.value
        self.output = result.output
        self.instructions = result.instructions

    @property
    def unsigned(self) -> int:
        """The result of a function of type `unsigned int`: its 32 bits."""
        return self.value & 0xFFFFFFFF

    @property
    def signed(self) -> int:
        """The result of a function of type `int`: the same as a signed number."""
        return self._result.signed

    @property
    def unsigned64(self) -> int:
        """The result of a function of type `uint64_t`, of one register or of two."""
        return (self._result.pair if self._result.bits == 32 else self.value) & (1 << 64) - 1

    @property
    def signed64(self) -> int:
        """The result of a function of type `int64_t`."""
        return self.unsigned64 - (self.unsigned64 >> 63 << 64)

    def __repr__(self) -> str:
        return (
            f"CallResult(value={self.value:#x}, output={self.output!r}, "
            f"instructions={self.instructions})"
        )


def safe(text: str) -> str:
    """Lines of findings as a terminal can show them, which pytest doesn't care for."""
    return "\n".join(map(on_one_line, text.split("\n")))


class _Told:
    # findings as exceptions of the fixture; what a stand-in has raised goes to the test

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, _kind: object, err: BaseException | None, _trace: object) -> None:
        """Raises another exception where there is one that means nothing to a test."""
        __tracebackhide__ = True
        if isinstance(err, LlextError):
            raise ExtensionError(safe(str(err))) from None
        if isinstance(err, StopError):
            raise ExtensionError(f"there is no memory at {err.address or 0:#x}") from None
        if isinstance(err, BusyError):
            raise ExtensionError(
                "a function is running: a stand-in can't call another one, nor load or replace any"
            ) from None
        if isinstance(err, StandInFailedError) and err.__cause__ is not None:
            raise err.__cause__ from None


class Llext:
    """A target on the host, for one test; the base image and what is loaded are as after a start.

    output: everything that was printed so far
    """

    def __init__(
        self, opened: Opened | None, *, limits: Limits | None = None, base: Path | None = None
    ) -> None:
        """`opened` is the manifest; without, there is only `base`, or no base image at all."""
        __tracebackhide__ = True
        self._opened = opened
        self._loaded: dict[str, Extension] = {}
        self.output = ""
        with _Told():
            own = None if opened is None else opened.manifest.run
            stand_ins: dict[str, StandIn] = {}
            for each in () if own is None else own.stand_ins:
                stand_ins |= stand_ins_of(each.path, each.text)
            plan = BenchPlan(
                beside=beside_of(base) if opened is None or base is not None else opened.beside,
                limits=limits or Limits(),
                replace=() if own is None else own.replace,
                stand_ins=stand_ins,
            )
            self._bench = Bench(plan)

    def load(self, extension: str | Path) -> Extension:
        """Load and bring up an extension of the manifest, behind those that it imports from.

        Or the blob in a file, by its path. What is loaded already stays as it is.
        """
        __tracebackhide__ = True
        with _Told():
            if isinstance(extension, Path):
                blobs = {extension.stem: extension}
            elif self._opened is None:
                raise ExtensionError("there is no manifest, so load a blob by its Path")
            elif extension not in {each.name for each in self._opened.chosen}:
                known = ", ".join(f"'{each.name}'" for each in self._opened.chosen)
                raise ExtensionError(f"the manifest has no '{extension}', it has: {known}")
            else:
                blobs = self._opened.blobs([extension])
            for name, path in blobs.items():
                if name not in self._loaded:
                    self._bench.load(path, name)
                    self._loaded[name] = Extension(self, name)
                    self._started(self._bench.bring_up(name))
        return self._loaded[[*blobs][-1]]

    @overload
    def stand_in(self, name: str) -> Callable[[_Function], _Function]: ...

    @overload
    def stand_in(self, name: str, function: _Function) -> _Function: ...

    def stand_in(
        self, name: str, function: _Function | None = None
    ) -> _Function | Callable[[_Function], _Function]:
        """Let a Python function do what a function of the base image would; also a decorator.

        It is called with the target, then with the arguments. Names that the base image doesn't
        have are known to extensions that are loaded afterwards.
        """
        __tracebackhide__ = True
        if function is None:
            return lambda made: self.stand_in(name, made)
        with _Told():
            try:
                made = python_stand_in(name, function)
            except TypeError as err:
                raise ExtensionError(str(err)) from None
            self._bench.stand_in(made)
        return function

    def unload(self, extension: Extension) -> None:
        """Run what cleans up behind an extension (llext_teardown); it stays in memory."""
        __tracebackhide__ = True
        with _Told():
            self._started(self._bench.tear_down(extension.name))

    def read(self, address: int, size: int) -> bytes:
        """Bytes of the target's memory."""
        __tracebackhide__ = True
        with _Told():
            return self._host().read(address, size)

    def write(self, address: int, data: bytes) -> None:
        """Change the target's memory, also read-only memory."""
        __tracebackhide__ = True
        with _Told():
            self._host().store(address, bytes(data))

    def string(self, address: int, limit: int = 1 << 16) -> str:
        """The zero-terminated text at an address."""
        __tracebackhide__ = True
        with _Told():
            found = self._host().text(address, limit)
        return found.decode("utf-8", "backslashreplace")

    def allocate(self, content: bytes | int) -> int:
        """The address of memory on the target's heap: with this content, or so many zeros."""
        __tracebackhide__ = True
        data = bytes(content)
        host = self._host()
        address = host.heap.allocate(len(data))
        if not address:
            raise ExtensionError(f"the heap has no {len(data)} bytes")
        self.write(address, data)
        return address

    @property
    def heap_in_use(self) -> int:
        """Bytes that were allocated and not freed, by k_malloc() and its kin and by `allocate`."""
        return self._host().heap.live

    @property
    def milliseconds(self) -> int:
        """The target's clock: it goes on while something sleeps."""
        return self._host().microseconds // 1000

    def sleep(self, milliseconds: int) -> None:
        """Let time pass on the target."""
        self._host().microseconds += 1000 * milliseconds

    def called(self, extension: str, function: str, arguments: Collection[object]) -> CallResult:
        """Call a function; `Extension.call` is the usual way."""
        __tracebackhide__ = True
        words = tuple(map(_argument, arguments))  # no frame of a comprehension
        buffers = [each for each in arguments if isinstance(each, bytearray)]
        with _Told():
            made = self._bench.call(FunctionCall(extension, function, words))
        for buffer, content in zip(buffers, made.kept, strict=True):
            buffer[:] = content
        self._note(made)
        return CallResult(made.result)

    def address(self, extension: str, name: str) -> int:
        """The address of a symbol; `Extension.symbol` is the usual way."""
        __tracebackhide__ = True
        found = self._bench.symbol(extension, name)
        if found is None:
            raise ExtensionError(f"extension '{extension}' has no symbol '{name}'")
        return found

    def close(self) -> None:
        """End the target, when the test is over."""
        self._bench.close()

    def _host(self) -> Host:
        __tracebackhide__ = True
        if not self._loaded:
            raise ExtensionError("the target has no memory yet: load an extension first")
        return self._bench.target.host()

    def _started(self, made: Started) -> None:
        __tracebackhide__ = True
        for each in made.called:
            self._note(each)
        if made.findings:
            raise ExtensionError(safe("\n".join(str(each) for each in made.findings)))

    def _note(self, made: Called) -> None:
        __tracebackhide__ = True
        self.output += made.result.output
        if not made.result.returned:
            file = self._bench.file(made.call.extension)
            text = report(made, file, self._bench.target.regions())
            raise CallFaultError(text, made.result)


class Extension:
    """An extension that was loaded."""

    def __init__(self, llext: Llext, name: str) -> None:
        self._llext = llext
        self.name = name

    def call(self, function: str, *arguments: int | str | bytes | bytearray) -> CallResult:
        """Call an exported function; raises CallFaultError where it doesn't return.

        Integers are passed as they are. A text, as a pointer to it with a zero behind it; bytes, as
        a pointer to a copy; a bytearray likewise, and it holds afterwards what is there then. The
        memory is the function's only while it runs.
        """
        __tracebackhide__ = True
        return self._llext.called(self.name, function, arguments)

    def symbol(self, name: str) -> int:
        """The address of a function or variable: exported, or known by debug information."""
        __tracebackhide__ = True
        return self._llext.address(self.name, name)

    def read(self, place: str | int, size: int) -> bytes:
        """Bytes at a symbol or an address."""
        __tracebackhide__ = True
        return self._llext.read(self._place(place), size)

    def write(self, place: str | int, data: bytes) -> None:
        """Change bytes at a symbol or an address."""
        __tracebackhide__ = True
        self._llext.write(self._place(place), data)

    def integer(self, place: str | int, size: int = 4) -> int:
        """The signed number of so many bytes at a symbol or an address."""
        __tracebackhide__ = True
        return int.from_bytes(self.read(place, size), "little", signed=True)

    def _place(self, place: str | int) -> int:
        __tracebackhide__ = True
        return self.symbol(place) if isinstance(place, str) else place

    def __repr__(self) -> str:
        return f"Extension({self.name!r})"


def _argument(value: object) -> Argument:
    __tracebackhide__ = True
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return Pointed(repr(value), value.encode() + b"\0")
    if isinstance(value, bytearray):
        return Pointed(f"bytearray({len(value)})", bytes(value), kept=True)
    if isinstance(value, bytes):
        return Pointed(repr(value), value)
    raise ExtensionError(
        f"an argument is {value!r:.60}, expected an integer, a text, bytes or a bytearray"
    )
