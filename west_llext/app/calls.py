# SPDX-License-Identifier: Apache-2.0
"""Calls of functions on the target, as somebody asks for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import NamedTuple

from west_llext.diagnostics import Diagnostic, Span, UsageError
from west_llext.record import record

#: Most arguments of a call.
MAX_ARGUMENTS = 32
#: Most bytes that an argument points to.
MAX_POINTED = 1 << 20
# what an argument is that is no integer, in front of its `=`
_TEXT, _BYTES, _BUFFER, _SYMBOL = "text", "bytes", "buffer", "symbol"
_HINT = (
    f"arguments are integers, {_TEXT}=TEXT, {_BYTES}=HEX, {_BUFFER}=SIZE and {_SYMBOL}=NAME; "
    "for instance: west llext run filters:filters_run 3 text=low"
)


@record(frozen=True, slots=True)
class Pointed:
    """An argument that points to memory which only it has, while the call runs.

    shown: how the user has written it
    content: what is there when the function is called
    kept: whether what is there afterwards is of interest
    """

    shown: str
    content: bytes
    kept: bool = False

    def __str__(self) -> str:
        return self.shown


@record(frozen=True, slots=True)
class AddressOf:
    """An argument that is the address of a symbol, of the extension or else of the base image."""

    name: str

    def __str__(self) -> str:
        return f"{_SYMBOL}={self.name}"


Argument = int | Pointed | AddressOf


class FunctionCall(NamedTuple):
    """A function to call: the extension that has it, its name, its arguments (a word each)."""

    extension: str
    function: str
    arguments: tuple[Argument, ...] = ()

    def __str__(self) -> str:
        return " ".join([f"{self.extension}:{self.function}", *map(str, self.arguments)])


def function_calls(words: Sequence[str]) -> tuple[FunctionCall, ...]:
    """The calls that a command line means: `EXTENSION:FUNCTION [ARGUMENT ...]`, repeated.

    Raises UsageError (X010), with every word that fits nowhere.
    """
    calls: list[FunctionCall] = []
    findings = []
    for word in words:
        argument = _argument(word)
        if argument is None:
            extension, colon, function = word.partition(":")
            if extension and colon and function:
                calls.append(FunctionCall(extension, function))
                continue
        if argument is None or not calls:
            findings.append(_unexpected(word))
        else:
            calls[-1] = calls[-1]._replace(arguments=(*calls[-1].arguments, argument))
    findings += [_too_many(call) for call in calls if len(call.arguments) > MAX_ARGUMENTS]
    if findings:
        raise UsageError(findings)
    return tuple(calls)


def _argument(word: str) -> Argument | None:
    kind, equals, value = word.partition("=")
    if equals and kind in _KINDS:
        return _KINDS[kind](word, value)
    return _integer(word)


def _text(word: str, value: str) -> Argument | None:
    content = value.encode("utf-8", "surrogateescape") + b"\0"
    return Pointed(word, content) if len(content) <= MAX_POINTED else None


def _bytes(word: str, value: str) -> Argument | None:
    if re.fullmatch(r"(?:[0-9a-fA-F]{2})*", value) is None or len(value) > 2 * MAX_POINTED:
        return None
    return Pointed(word, bytes.fromhex(value))


def _buffer(word: str, value: str) -> Argument | None:
    size = _integer(value)
    if size is None or not 0 < size <= MAX_POINTED:
        return None
    return Pointed(word, bytes(size), kept=True)


def _symbol(_word: str, value: str) -> Argument | None:
    return AddressOf(value) if value else None


_KINDS: Mapping[str, Callable[[str, str], Argument | None]] = {
    _TEXT: _text,
    _BYTES: _bytes,
    _BUFFER: _buffer,
    _SYMBOL: _symbol,
}


def _integer(word: str) -> int | None:
    try:
        return int(word, 0) if len(word) <= 40 else None
    except ValueError:
        return None


def _unexpected(word: str) -> Diagnostic:
    return Diagnostic(
        code="X010",
        at=Span(PurePath("command line")),
        message=f"'{word:.200}' is no call, expected EXTENSION:FUNCTION with arguments behind it",
        hint=_HINT,
    )


def _too_many(call: FunctionCall) -> Diagnostic:
    return Diagnostic(
        code="X010",
        at=Span(PurePath("command line")),
        message=f"'{call.extension}:{call.function}' has {len(call.arguments)} arguments, "
        f"expected at most {MAX_ARGUMENTS}",
    )
