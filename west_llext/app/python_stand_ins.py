# SPDX-License-Identifier: Apache-2.0
"""Stand-ins that somebody has written in Python.

The file is the user's own code: it is executed, with everything that Python can do.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping
from itertools import zip_longest
from pathlib import Path, PurePath
from types import FunctionType, ModuleType

from west_llext.diagnostics import Diagnostic, LlextError, Span
from west_llext.elf.read import file_content
from west_llext.emulate.arguments import CallArguments
from west_llext.emulate.formatting import MAX_TEXT, formatted
from west_llext.emulate.host import ExitError, Host, StopError
from west_llext.emulate.standin import Kind, StandIn
from west_llext.emulate.standins import STAND_INS

#: How parameters and results can be annotated, beside the names of `Kind`.
_KINDS: Mapping[str, Kind] = {
    **{each.value: each for each in Kind if each not in {Kind.REST, Kind.LIST, Kind.U128}},
    "": Kind.WORD,
    "int": Kind.WORD,
    "str": Kind.WORD,
    "None": Kind.VOID,
    "size_t": Kind.WORD,
}
_TEXT = "str"
# what code of the user's own may raise; an exit would end the run as if all was fine
_FAILURES = (Exception, SystemExit)


class StandInFailedError(Exception):
    """A stand-in has raised an exception, which is the cause; `name` is that of the C function."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class TargetView:
    """The target, as a stand-in sees it: its memory, console, clock and heap."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def read(self, address: int, size: int) -> bytes:
        """Bytes of memory."""
        return self._host.read(address, size)

    def write(self, address: int, data: bytes) -> None:
        """Change memory, also read-only memory."""
        self._host.store(address, bytes(data))

    def string(self, address: int) -> str:
        """The zero-terminated text at an address."""
        return self._host.text(address, MAX_TEXT).decode("utf-8", "backslashreplace")

    def print(self, text: str) -> None:
        """Print on the target's console."""
        self._host.write(text.encode("utf-8", "backslashreplace"))

    def format(self, address: int, arguments: CallArguments) -> str:
        """What printf() makes of a format at an address and the further arguments of a call."""
        return formatted(self.string(address), arguments)

    def allocate(self, size: int) -> int:
        """Address of memory on the heap; 0 where there is none."""
        return self._host.heap.allocate(size)

    def free(self, address: int) -> None:
        """Give memory of the heap back."""
        self._host.heap.free(address)

    def sleep(self, milliseconds: int) -> None:
        """Let time pass on the target."""
        self._host.microseconds += 1000 * milliseconds

    @property
    def milliseconds(self) -> int:
        """The target's clock, since it was started."""
        return self._host.microseconds // 1000


def python_stand_in(name: str, function: Callable[..., object]) -> StandIn:
    """A stand-in that calls a Python function: with the target, then with the arguments.

    Where it doesn't say of which types these are, it is those of the stand-in of that name that
    comes with the tool, or else a word each, unsigned.
    Raises TypeError where its parameters can't be those of a C function.
    """
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    if not parameters or parameters[0].kind not in _POSITIONAL:
        raise TypeError(f"'{name}' takes no target, expected it as the first parameter")
    known = () if name not in STAND_INS else STAND_INS[name].parameters
    kinds = [
        _kind(name, each, usual)
        for each, usual in zip_longest(parameters[1:], known[: len(parameters) - 1])
    ]
    texts = {
        number
        for number, each in enumerate(parameters[1:])
        if _annotation(each.annotation) == _TEXT
    }
    returns = _annotation(signature.return_annotation)
    if returns not in _KINDS or returns == _TEXT:
        raise TypeError(f"'{name}' returns '{returns}', expected one of: {', '.join(_names())}")

    def called(host: Host, *values: object) -> int:
        __tracebackhide__ = True
        target = TargetView(host)
        try:
            arguments = [
                target.string(each) if number in texts and isinstance(each, int) else each
                for number, each in enumerate(values)
            ]
            result = function(target, *arguments)
            if result is None:
                return 0
            if not isinstance(result, int):
                raise TypeError(f"it returned {result!r:.60}, expected an integer or nothing")
        except (StopError, ExitError):
            raise
        except _FAILURES as err:
            raise StandInFailedError(name) from err
        return int(result)

    # who gets 32 bits doesn't look at the register of the other half
    result = Kind.I64 if not returns else _KINDS[returns]
    return StandIn(name=name, parameters=tuple(kinds), result=result, function=called)


_POSITIONAL = frozenset(
    {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
)


def _annotation(value: object) -> str:
    # `int`, 'int' and, where annotations are strings, "'int'" are the same
    if value is inspect.Parameter.empty:
        return ""
    text = value.__name__ if isinstance(value, type) else str(value)
    return text.strip("'\"")


def _names() -> list[str]:
    return sorted(each for each in _KINDS if each and each != _TEXT)


def _kind(name: str, parameter: inspect.Parameter, usual: Kind | None) -> Kind:
    # usual: of the stand-in that comes with the tool, where there is one
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return Kind.REST
    if parameter.kind not in _POSITIONAL:
        raise TypeError(f"'{name}' has a parameter '{parameter.name}' that C can't pass")
    text = _annotation(parameter.annotation)
    if text not in _KINDS or _KINDS[text] is Kind.VOID:
        choices = ", ".join(sorted({*_names(), _TEXT} - {"None", Kind.VOID.value}))
        raise TypeError(f"'{parameter.name}' of '{name}' is a '{text}', expected one of: {choices}")
    return _KINDS[text] if text or usual is None or usual is Kind.REST else usual


def stand_ins_of(path: Path, display: str | None = None) -> dict[str, StandIn]:
    """The functions of a Python file, as stand-ins for C functions of the same names.

    Names that begin with a single underscore are the file's own. The file is executed. Raises
    MissingError (L001) where it can't be read, LlextError (X013) for what is wrong in it.
    """
    name = path.as_posix() if display is None else display
    module = ModuleType("llext_stand_ins")
    module.__file__ = str(path)
    try:
        exec(compile(file_content(path, name), str(path), "exec"), module.__dict__)  # noqa: S102 (the user's own code, named for this)
        return {
            each: python_stand_in(each, function)
            for each, function in vars(module).items()
            if isinstance(function, FunctionType)
            and function.__module__ == module.__name__
            and (not each.startswith("_") or each.startswith("__"))
        }
    except LlextError:
        raise
    except _FAILURES as err:
        raise LlextError([_broken(name, path, err)]) from err


def _broken(name: str, path: Path, err: BaseException) -> Diagnostic:
    line = err.lineno or 0 if isinstance(err, SyntaxError) else line_in(path, err)
    return Diagnostic(
        code="X013",
        at=Span(PurePath(name), line),
        message=f"the file of stand-ins can't be used: {described(err)}",
    )


def line_in(path: Path, err: BaseException) -> int:
    """The line of a file in which an exception has come up; 0 for none."""
    rows = traceback.extract_tb(err.__traceback__)
    return next((each.lineno or 0 for each in reversed(rows) if each.filename == str(path)), 0)


def described(err: BaseException) -> str:
    """An exception in one line."""
    try:
        text = str(err.msg if isinstance(err, SyntaxError) else err).split("\n", 1)[0]
    except Exception:  # noqa: BLE001  the class is the user's own, too
        text = ""
    return f"{type(err).__name__}: {text}" if text else type(err).__name__
