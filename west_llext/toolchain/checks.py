# SPDX-License-Identifier: Apache-2.0
"""What an extension asks of the compiler that can't be done; found before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from west_llext.diagnostics import Diagnostic, Severity, Span
from west_llext.model.manifest import Extension, FileRef
from west_llext.toolchain.compiler import Compiler
from west_llext.toolchain.flags import SUFFIXES, language
from west_llext.toolchain.names import from_root
from west_llext.toolchain.ninja import UNSPEAKABLE
from west_llext.toolchain.options import misplaced

# what to do about a file that isn't compiled, by its suffix
_ELSE = "list files that are compiled already as 'objects'"
_INSTEAD = {
    "": "name each file, also those of a folder",
    **dict.fromkeys(
        (".h", ".hh", ".hpp", ".hxx", ".inc"),
        "remove it: headers are found in 'include-dirs' and beside the sources",
    ),
}
_MORE_THAN_A_LINE = "\n\r\0"


def is_archive(file: FileRef) -> bool:
    """Whether a file is an archive, by its name."""
    return PurePath(file.text).suffix in {".a", ".lib"}


def findings(extension: Extension, *, flags: Sequence[str], root: Path) -> Iterator[Diagnostic]:
    """Everything that is wrong with an extension's sources, objects and flags.

    flags: the toolchain's, which come before the extension's own
    """
    yield from _no_input(extension)
    for file in (*extension.sources, *extension.objects, *extension.include_dirs):
        yield from _odd_path(file)
    seen: set[str] = set()
    for source in extension.sources:
        yield from _unknown_language(source)
        spelled = from_root(source.path, root)
        if spelled in seen:
            yield Diagnostic(
                code="T007",
                at=source.at,
                message=f"source '{source.text}' of extension '{extension.name}' is listed twice",
                hint="remove one of them",
            )
        seen.add(spelled)
    for each in extension.objects:
        yield from _source(each)
    if extension.sources:
        yield from _misplaced_flags(extension, flags)
        yield from _odd_defines(extension)


def no_linker(extension: Extension, compiler: Compiler) -> Diagnostic:
    """There is more than one object and nothing to merge them with."""
    return Diagnostic(
        code="T015",
        at=extension.at,
        message=f"extension '{extension.name}' has more than one object to merge, and there is "
        f"no 'ld.lld' for '{compiler.name}': looked beside it and on PATH",
        hint="install the package 'lld' of the same release",
    )


def missing_file(file: FileRef) -> Diagnostic:
    """A file that the manifest lists isn't there, or isn't a file."""
    if file.path.exists():
        return Diagnostic(
            code="T016",
            at=file.at,
            message=f"'{file.text}' is no file",
            hint="list the files in it" if file.path.is_dir() else None,
        )
    return Diagnostic(
        code="T016",
        at=file.at,
        message=f"file '{file.text}' doesn't exist",
        hint="create it, or remove it from the manifest",
    )


def missing_folder(file: FileRef) -> Diagnostic:
    """A folder of headers that the manifest lists isn't there; a warning."""
    return Diagnostic(
        code="T024",
        at=file.at,
        message=f"there is no folder '{file.text}' to find headers in",
        hint="correct it, or remove it from 'include-dirs'",
        severity=Severity.WARNING,
    )


def _no_input(extension: Extension) -> Iterator[Diagnostic]:
    if extension.sources or any(not is_archive(each) for each in extension.objects):
        return
    if not extension.objects:
        yield Diagnostic(
            code="T008",
            at=extension.at,
            message=f"extension '{extension.name}' has neither sources nor objects",
            hint="add 'sources' or 'objects'",
        )
    elif not extension.exports:
        yield Diagnostic(
            code="T008",
            at=extension.at,
            message=f"extension '{extension.name}' has only archives and no 'exports', so that "
            "no member of them is needed",
            hint="list the functions that it is for as 'exports'",
        )


def odd_folder(folder: str, shown: PurePath) -> Iterator[Diagnostic]:
    """A finding where the folder for objects, as commands spell it, can't be in a ninja file."""
    odd = next((each for each in UNSPEAKABLE if each in folder), None)
    if odd is not None:
        yield Diagnostic(
            code="T019",
            at=Span(shown / folder),
            message=f"path {folder!r} holds {odd!r}, which no ninja file can hold",
            hint="give another folder with '--output'",
        )


def _odd_path(file: FileRef) -> Iterator[Diagnostic]:
    odd = next((each for each in UNSPEAKABLE if each in file.text), None)
    if odd is not None:
        yield Diagnostic(
            code="T019",
            at=file.at,
            message=f"path {file.text!r} holds {odd!r}, which no ninja file can hold",
            hint="rename the file",
        )


def _unknown_language(source: FileRef) -> Iterator[Diagnostic]:
    if language(source.text) is None:
        suffix = PurePath(source.text).suffix
        yield Diagnostic(
            code="T005",
            at=source.at,
            message=f"source '{source.text}' has suffix '{suffix}', "
            f"expected one of {', '.join(SUFFIXES)}",
            hint=_INSTEAD.get(suffix.lower(), _ELSE),
        )


def _source(file: FileRef) -> Iterator[Diagnostic]:
    # the compiler that merges objects would compile it, with none of the flags
    if language(file.text) is not None:
        suffix = PurePath(file.text).suffix
        yield Diagnostic(
            code="T005",
            at=file.at,
            message=f"object '{file.text}' has the suffix of a source, '{suffix}'",
            hint="list it under 'sources'",
        )


def _misplaced_flags(extension: Extension, flags: Sequence[str]) -> Iterator[Diagnostic]:
    for owner, words in (("the toolchain", flags), (f"'{extension.name}'", extension.cflags)):
        for word, what in misplaced(words):
            yield Diagnostic(
                code="T006",
                at=extension.at,
                message=f"flag {_quoted(word)} of {owner} would decide {what}, which is fixed",
                hint=f"remove {_quoted(word)} from 'cflags'",
            )


def _odd_defines(extension: Extension) -> Iterator[Diagnostic]:
    for name, value in extension.defines:
        if any(each in f"{name}{value}" for each in _MORE_THAN_A_LINE):
            yield Diagnostic(
                code="T006",
                at=extension.at,
                message=f"define {_quoted(name)} of '{extension.name}' has {value!r} as its "
                "value, expected one line",
                hint="define it in a header",
            )


def _quoted(text: str) -> str:
    return f"'{text}'" if text.isprintable() else repr(text)
