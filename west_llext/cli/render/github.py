# SPDX-License-Identifier: Apache-2.0
"""Findings as workflow commands of GitHub Actions, which shows them beside their lines."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from west_llext.cli.render.plain import printable
from west_llext.cli.render.repository import file_in_repository
from west_llext.diagnostics import Diagnostic, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(findings: Iterable[Diagnostic], *, here: str, prefix: str, fallback: str) -> str:
    """One command a finding.

    here: absolute folder that relative paths start from
    prefix: that folder as seen from the repository, with forward slashes; empty where it is that
    fallback: file for findings that have no place
    """
    return "".join(
        f"{_command(each, here=here, prefix=prefix, fallback=fallback)}\n" for each in findings
    )


def quoted(text: str) -> str:
    """Text that GitHub is to show and not to obey: functions that run print what they like.

    Commands are stopped until a line comes that the text can't hold: it has the text's own digest.
    """
    # the older form of commands counts wherever it is in a line
    if "##[" not in text and not any(each.lstrip().startswith("::") for each in text.splitlines()):
        return text
    token = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    end = "" if text.endswith("\n") else "\n"
    return f"::stop-commands::{token}\n{text}{end}::{token}::\n"


def _command(finding: Diagnostic, *, here: str, prefix: str, fallback: str) -> str:
    finding = finding.for_people()
    at = finding.at
    properties = {"file": file_in_repository(at, here=here, prefix=prefix, fallback=fallback)}
    if at.line:
        properties["line"] = str(at.line)
        if at.column:
            properties["col"] = str(at.column)
    properties["title"] = finding.code
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    text = [finding.message]
    text += [f"{each.at}: note: {each.message}" for each in finding.related]
    text += [] if finding.hint is None else [f"hint: {finding.hint}"]
    message = _data(printable("\n".join(text)))
    return f"::{_COMMANDS[finding.severity]} {listed}::{message}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
