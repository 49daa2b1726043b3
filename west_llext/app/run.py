# SPDX-License-Identifier: Apache-2.0
"""Call functions of prelocated extensions, beside the base image's own code, in an emulator.

Needs no manifest: only the base image's ELF file and blobs. Every blob is put into memory first;
then come the constructors, in the order of the blobs, and then the calls.
"""

from __future__ import annotations

import difflib
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import NamedTuple

from west_llext.diagnostics import Diagnostic, LlextError, MissingError, Span, UsageError
from west_llext.elf.attributes import abi
from west_llext.elf.read import file_content, object_file
from west_llext.emulate.base import BASE_NAME, base_image
from west_llext.emulate.blob import blob_image
from west_llext.emulate.image import Image
from west_llext.emulate.limits import Limits
from west_llext.emulate.standins import STAND_INS
from west_llext.emulate.target import Result, Target

#: Most arguments of a call.
MAX_ARGUMENTS = 32


class FunctionCall(NamedTuple):
    """A function to call: the extension that exports it, its name, its arguments (a word each)."""

    extension: str
    function: str
    arguments: tuple[int, ...] = ()

    def __str__(self) -> str:
        return " ".join([f"{self.extension}:{self.function}", *map(str, self.arguments)])


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What to run.

    base: the base image's ELF file
    blobs: `NAME.llext` files, those that others import from first
    calls: in order; none to run only the constructors
    stand_ins: functions of the base image that the host is to do instead
    """

    base: Path
    blobs: tuple[Path, ...]
    calls: tuple[FunctionCall, ...] = ()
    stand_ins: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)


class Called(NamedTuple):
    """A call that was made; constructors are named `constructor N`, counted from 1."""

    call: FunctionCall
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What came of it.

    core: model of the processor
    called: constructors and calls that were made, in order; nothing after one that went wrong,
        because the state that it leaves means nothing
    findings: calls that went wrong (X008)
    """

    core: str
    called: tuple[Called, ...]
    findings: tuple[Diagnostic, ...]


def run(request: RunRequest) -> RunResult:
    """Load, bring up, call.

    Raises LlextError where something can't be loaded or called at all (L, X002 to X011), and
    MissingError (X001) without the emulator.
    """
    _refuse_unknown_stand_ins(request.stand_ins)
    target, images = _loaded(request)
    functions = [(call, _address(images, call)) for call in request.calls]
    _refuse_unknown_functions(images, [call for call, address in functions if address is None])
    called = [
        Called(FunctionCall(each.image, f"constructor {each.number}"), each.result)
        for each in target.bring_up()
    ]
    for call, address in functions:
        if address is not None and (not called or called[-1].result.returned):
            called.append(Called(call, target.call(address, *call.arguments)))
    findings = [
        _went_wrong(images[each.call.extension], each) for each in called if _is_wrong(each.result)
    ]
    return RunResult(core=target.core.name, called=tuple(called), findings=tuple(findings))


def _is_wrong(result: Result) -> bool:
    return result.fault is not None or bool(result.status)


def function_calls(words: Sequence[str]) -> tuple[FunctionCall, ...]:
    """The calls that a command line means: `EXTENSION:FUNCTION [INTEGER ...]`, repeated.

    Raises UsageError (X010), with every word that fits nowhere.
    """
    calls: list[FunctionCall] = []
    findings = []
    for word in words:
        extension, colon, function = word.partition(":")
        if extension and colon and function:
            calls.append(FunctionCall(extension, function))
            continue
        number = _integer(word)
        if number is None or not calls:
            findings.append(_unexpected(word))
        else:
            calls[-1] = calls[-1]._replace(arguments=(*calls[-1].arguments, number))
    findings += [_too_many(call) for call in calls if len(call.arguments) > MAX_ARGUMENTS]
    if findings:
        raise UsageError(findings)
    return tuple(calls)


def _integer(word: str) -> int | None:
    try:
        return int(word, 0) if len(word) <= 40 else None
    except ValueError:
        return None


def _unexpected(word: str) -> Diagnostic:
    return Diagnostic(
        code="X010",
        at=Span(PurePath("command line")),
        message=f"'{word}' is no call, expected EXTENSION:FUNCTION with integers behind it",
        hint="for instance: west llext run filters:filters_run 3 4",
    )


def _too_many(call: FunctionCall) -> Diagnostic:
    return Diagnostic(
        code="X010",
        at=Span(PurePath("command line")),
        message=f"'{call.extension}:{call.function}' has {len(call.arguments)} arguments, "
        f"expected at most {MAX_ARGUMENTS}",
    )


def _loaded(request: RunRequest) -> tuple[Target, dict[str, Image]]:
    name = request.base.as_posix()
    base = object_file(file_content(request.base), name)
    target = Target(
        ident=base.ident,
        attributes=abi(base).attributes,
        limits=request.limits,
        replace=request.stand_ins,
    )
    target.load(base_image(base))
    images: dict[str, Image] = {}
    findings: list[Diagnostic] = []
    for path in request.blobs:
        image, found = _blob(path, target, images)
        findings += found
        if image is not None:
            images[image.name] = image
    if findings:
        raise LlextError(findings)
    return target, images


def _blob(
    path: Path, target: Target, known: Container[str]
) -> tuple[Image | None, tuple[Diagnostic, ...]]:
    # An image that was loaded, or why it could not be.
    if path.stem in known:
        message = (
            f"there is already a blob of an extension '{path.stem}', expected one blob of each name"
        )
        return None, (Diagnostic(code="X010", at=Span(path), message=message),)
    try:
        image = blob_image(object_file(file_content(path), path.as_posix()), path.stem)
        target.load(image)
    except MissingError:
        raise
    except LlextError as err:
        return None, err.diagnostics
    return image, ()


def _address(images: dict[str, Image], call: FunctionCall) -> int | None:
    image = images.get(call.extension)
    return None if image is None else image.exports.get(call.function)


def _refuse_unknown_functions(images: dict[str, Image], calls: Iterable[FunctionCall]) -> None:
    findings = [_unknown_function(images, call) for call in calls]
    if findings:
        raise LlextError(findings)


def _unknown_function(images: dict[str, Image], call: FunctionCall) -> Diagnostic:
    image = images.get(call.extension)
    if image is None:
        known, name, place = list(images), call.extension, "command line"
        message = f"there is no blob of an extension '{name}', expected one of: {_listed(known)}"
    else:
        known, name, place = list(image.exports), call.function, image.file
        message = f"extension '{image.name}' exports no '{name}', it exports: {_listed(known)}"
    near = difflib.get_close_matches(name, known, n=1)
    return Diagnostic(
        code="X009",
        at=Span(PurePath(place)),
        message=message,
        hint=f"did you mean '{near[0]}'?" if near else None,
    )


def _refuse_unknown_stand_ins(names: Iterable[str]) -> None:
    findings = []
    for name in names:
        if name not in STAND_INS:
            near = difflib.get_close_matches(name, STAND_INS, n=1)
            finding = Diagnostic(
                code="X011",
                at=Span(PurePath("command line")),
                message=f"there is no stand-in for '{name}', expected one of: "
                + _listed(STAND_INS),
                hint=f"did you mean '{near[0]}'?" if near else None,
            )
            findings.append(finding)
    if findings:
        raise UsageError(findings)


def _listed(names: Iterable[str]) -> str:
    ordered = sorted(names)
    shown = ", ".join(f"'{name}'" for name in ordered[:20])
    more = f" and {len(ordered) - 20} others" if len(ordered) > 20 else ""
    return shown + more or "nothing"


def _went_wrong(image: Image, called: Called) -> Diagnostic:
    result, hint = called.result, None
    if result.fault is not None:
        what = f"didn't return: {result.fault}"
        place = result.fault.place
        if place is not None and place.image == BASE_NAME:
            example = place.function if place.function in STAND_INS else "printk"
            hint = f"let the host do what needs hardware: --stand-in {example}"
    else:
        what = f"ended the target with status {result.status}, expected it to return"
    message = f"'{called.call}' {what}"
    return Diagnostic(code="X008", at=Span(PurePath(image.file)), message=message, hint=hint)
