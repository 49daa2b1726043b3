# SPDX-License-Identifier: Apache-2.0
"""The findings of one reading, until there are too many."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from west_llext.diagnostics import Diagnostic, Span
from west_llext.manifest.nodes import Mark, Node, is_foreign, span

#: A file with more findings is no manifest; the rest isn't looked for.
MAX_FINDINGS = 1000


class TooManyError(Exception):
    """The log is full."""


class Log:
    """Findings about one file, in the order in which they were made.

    file: what messages call it
    findings: those of a log about another file may be continued
    """

    __slots__ = ("file", "findings")

    def __init__(self, file: PurePath, findings: list[Diagnostic] | None = None) -> None:
        self.file = file
        self.findings: list[Diagnostic] = [] if findings is None else findings

    def extend(self, findings: Iterable[Diagnostic]) -> None:
        """Take down what others found; raises TooManyError where the log is full."""
        for each in findings:
            if len(self.findings) == MAX_FINDINGS:
                raise TooManyError
            self.findings.append(each)

    def add(self, code: str, at: Mark | Span, message: str, hint: str | None = None) -> None:
        """Take down an error; raises TooManyError where the log is full."""
        place = at if isinstance(at, Span) else span(self.file, at)
        self.extend([Diagnostic(code=code, at=place, message=message, hint=hint)])

    def refuse(self, code: str, node: Node, message: str, hint: str | None = None) -> None:
        """Take down an error about a node, unless its tag is to blame, which is known already."""
        if not is_foreign(node):
            self.add(code, node.start_mark, message, hint)


def too_many(file: PurePath) -> Diagnostic:
    """What to say in place of further findings."""
    message = f"more than {MAX_FINDINGS} findings, the rest isn't shown"
    return Diagnostic(code="M019", at=Span(file), message=message)
