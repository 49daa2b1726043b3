# SPDX-License-Identifier: Apache-2.0
"""Manifests on the disk, and YAML text as a tree of nodes that know their place.

What would take too long or go too deep is refused before anybody walks the tree.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
from pathlib import Path, PurePath
from typing import Any

import yaml

from west_llext.diagnostics import Diagnostic, MissingError, Related, Span
from west_llext.manifest.nodes import (
    MAX_DEPTH,
    MAX_NODES,
    Node,
    alias_findings,
    oddities,
    span,
)
from west_llext.manifest.text import shown

#: Larger files are refused; a manifest of 1,000 extensions has half a megabyte.
MAX_SIZE = 4 << 20
NAME = "llext.yml"

_WORKSPACE_MARKS = (".west", ".git")
# what isn't c-printable in YAML 1.1 stops the reader
_UNPRINTABLE = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


def content(path: Path, at: Span) -> bytes:
    """The bytes of a file, one more than MAX_SIZE at most; raises MissingError (M010)."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_SIZE + 1)
    except (OSError, ValueError) as err:
        reason = getattr(err, "strerror", None) or str(err)
        message = f"can't read '{shown(at.file.as_posix())}': {reason}"
        raise MissingError([Diagnostic(code="M010", at=at, message=message)]) from err


def digest(data: bytes) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def nearest_manifest(start: Path) -> Path | None:
    """The manifest in the folder `start` or in the nearest one above it."""
    for folder in (start, *start.parents):
        path = folder / NAME
        if path.is_file():
            return path
    return None


def levels_below_workspace(folder: Path) -> int:
    """How many folders down from its workspace a folder is.

    The workspace is the nearest parent with a west workspace, else the nearest one with a git
    repository, else the folder itself.
    """
    # resolve() would follow links out of the workspace
    here = Path(os.path.abspath(folder))  # noqa: PTH100
    for mark in _WORKSPACE_MARKS:
        for levels, each in enumerate((here, *here.parents)):
            if (each / mark).exists():
                return levels
    return 0


def tree(data: bytes, file: PurePath) -> tuple[Node | None, list[Diagnostic]]:
    """The one document in `data`, and what is wrong with it as YAML.

    file: what messages call it

    Without a node there is always a finding. With both, the tree can still be walked.
    """
    try:
        return _document(data, file)
    except _RefusedError as refused:
        return None, [refused.diagnostic]


class _RefusedError(Exception):
    def __init__(self, code: str, at: Span, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(code=code, at=at, message=message, hint=hint)


class _LimitError(Exception):
    def __init__(self, node: Any, message: str) -> None:
        super().__init__(message)
        self.mark = node.start_mark if node is not None else None


class _Limits:
    # Composers call these for each node. The C composer recurses on the machine's stack, so the
    # depth has to be watched while it works.
    _depth = 0
    _nodes = 0

    def descend_resolver(self, parent: Any, _index: Any) -> None:
        self._depth += 1
        self._nodes += 1
        if self._depth > MAX_DEPTH:
            raise _LimitError(parent, f"nested deeper than {MAX_DEPTH} levels")
        if self._nodes > MAX_NODES:
            raise _LimitError(parent, f"more than {MAX_NODES} values")

    def ascend_resolver(self) -> None:
        self._depth -= 1

    def resolve(self, _kind: Any, _value: Any, _implicit: Any) -> str:
        return ""


class _PureLoader(
    yaml.reader.Reader,
    yaml.scanner.Scanner,
    yaml.parser.Parser,
    _Limits,
    yaml.composer.Composer,
):
    def __init__(self, stream: str) -> None:
        yaml.reader.Reader.__init__(self, stream)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)
        yaml.composer.Composer.__init__(self)

    def resolve(self, _kind: Any, value: Any, _implicit: Any) -> str:
        if value is not None:
            value.encode()  # libyaml refuses escaped surrogates by itself
        return ""


@functools.cache
def _loader() -> type[Any]:
    try:
        from yaml._yaml import CParser  # noqa: PLC0415  an installation may lack libyaml
    except ImportError:
        return _PureLoader
    return type("_FastLoader", (_Limits, CParser), {})


def _document(data: bytes, file: PurePath) -> tuple[Node | None, list[Diagnostic]]:
    text = _text(data, file)
    root = _composed(text, file)
    if root is None:
        message = "there is nothing in the file, expected a YAML document"
        raise _RefusedError("M004", Span(file), message)
    endless = alias_findings(root, file) if "*" in text else []
    return (None, endless) if endless else (root, list(oddities(root, file)))


def _text(data: bytes, file: PurePath) -> str:
    if len(data) > MAX_SIZE:
        message = f"the file is larger than {MAX_SIZE >> 20} MiB"
        raise _RefusedError("M003", Span(file), message)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        message = "the file is encoded as UTF-16, expected UTF-8"
        raise _RefusedError("M002", Span(file), message, "save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        before = data[: err.start].decode("utf-8-sig", "replace")
        message = f"byte 0x{data[err.start]:02x} isn't UTF-8 text"
        raise _RefusedError("M002", _end(before, file), message, "save it as UTF-8") from err


def _end(text: str, file: PurePath) -> Span:
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", text)
    return Span(file, len(lines), len(lines[-1]) + 1)


def _composed(text: str, file: PurePath) -> Node | None:
    try:
        root: Node | None = _loader()(text).get_single_node()
    except _LimitError as err:
        at = span(file, err.mark) if err.mark else Span(file)
        raise _RefusedError("M003", at, str(err)) from err
    except yaml.reader.ReaderError as err:
        found = re.search(_UNPRINTABLE, text)
        before = text[: found.start()] if found else ""
        what = f"U+{ord(found.group()):04X}" if found else str(err.reason)
        message = f"the control character {what} isn't allowed in YAML"
        raise _RefusedError("M002", _end(before, file), message, "remove it") from err
    except yaml.MarkedYAMLError as err:
        raise _broken(err, text, file) from err
    except (yaml.YAMLError, ValueError, OverflowError) as err:
        raise _RefusedError("M001", Span(file), f"not valid YAML: {shown(str(err))}") from err
    return root


def _broken(err: yaml.MarkedYAMLError, text: str, file: PurePath) -> _RefusedError:
    mark = err.problem_mark or err.context_mark
    at = span(file, mark) if mark else Span(file)
    if err.problem == "but found another document":
        message = "a second YAML document begins here, expected one document"
        return _RefusedError("M004", at, message, "remove the line '---'")
    refused = _RefusedError("M001", at, f"not valid YAML: {err.problem}", _advice(text, at))
    if err.context and err.context_mark:
        note = Related(at=span(file, err.context_mark), message=err.context)
        refused.diagnostic = Diagnostic(
            code="M001",
            at=at,
            message=refused.diagnostic.message,
            hint=refused.diagnostic.hint,
            related=(note,),
        )
    return refused


def _advice(text: str, at: Span) -> str | None:
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", text)
    line = lines[at.line - 1] if 0 < at.line <= len(lines) else ""
    if line[: at.column].strip(" -").startswith("\t"):
        return "indent with spaces instead of tabs"
    if re.search(r":\s+!", line):
        return "quote the expression: YAML takes a leading '!' for a tag"
    if re.search(r"[:\-,\[]\s+[@`%]", line):
        return "quote the text"
    return None
