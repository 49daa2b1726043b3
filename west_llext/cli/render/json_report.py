# SPDX-License-Identifier: Apache-2.0
"""Reports for programs (schemas/llext-report.schema.json)."""

from __future__ import annotations

import json
from typing import Any

from west_llext import __version__
from west_llext.cli.render.plain import relative_file
from west_llext.cli.report import Report, counts
from west_llext.diagnostics import NOWHERE, Diagnostic, Span

SCHEMA = 1


def render(report: Report, here: str) -> str:
    """A report as JSON, with the same keys whatever there is to say."""
    if report.document is not None:
        return json.dumps(well_formed(report.document), indent=2) + "\n"
    document = {
        "schema": SCHEMA,
        "tool": {"name": "west-llext", "version": __version__},
        "verb": report.verb,
        "status": int(report.status),
        "counts": {
            f"{severity.value}s": number for severity, number in counts(report.findings).items()
        },
        "findings": [finding(each, here) for each in report.findings],
        "result": report.result,
    }
    return json.dumps(well_formed(document), indent=2) + "\n"


def finding(each: Diagnostic, here: str) -> dict[str, Any]:
    """A finding as an object."""
    each = each.for_people()
    return {
        "code": each.code,
        "severity": each.severity.value,
        **_place(each.at, here),
        "message": each.message,
        "hint": each.hint,
        "related": [{**_place(other.at, here), "message": other.message} for other in each.related],
    }


def well_formed(value: Any) -> Any:
    """The value with lone surrogates spelled out: no UTF-8 text can have them, nor can JSON."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {well_formed(key): well_formed(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [well_formed(each) for each in value]
    return value


def _place(at: Span, here: str) -> dict[str, Any]:
    return {
        "file": None if at == NOWHERE else relative_file(at.file, here),
        "line": at.line or None,
        "column": at.column or None,
    }
