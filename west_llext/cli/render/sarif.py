# SPDX-License-Identifier: Apache-2.0
"""Findings as SARIF 2.1.0, for services that keep and show them."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from west_llext import __version__
from west_llext.app.codes import meaning, page, title
from west_llext.cli.render.json_report import well_formed
from west_llext.cli.render.repository import file_in_repository
from west_llext.diagnostics import Diagnostic, ExitStatus, Span

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
#: Most results of a run that GitHub takes ("SARIF support for code scanning").
MAX_RESULTS = 25_000
_ROOT = "%SRCROOT%"


def render(
    findings: Sequence[Diagnostic],
    *,
    verb: str,
    status: ExitStatus,
    here: str,
    prefix: str,
    fallback: str,
) -> str:
    """A SARIF log with one run; the paths are as in `github.render`."""
    writer = _Writer(here=here, prefix=prefix, fallback=fallback)
    kept = findings[:MAX_RESULTS]
    codes = sorted({each.code for each in kept})
    run = {
        "tool": {
            "driver": {
                "name": "west-llext",
                "semanticVersion": __version__,
                "rules": [_rule(code) for code in codes],
            }
        },
        "automationDetails": {"id": f"west-llext/{verb}/"},
        "originalUriBaseIds": {_ROOT: {"description": {"text": "Top of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(status, len(findings) - len(kept))],
        "results": writer.results(kept, codes),
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(well_formed(log), indent=2) + "\n"


def _rule(code: str) -> dict[str, Any]:
    short = title(code) or code
    rule: dict[str, Any] = {
        "id": code,
        "shortDescription": {"text": short},
        "fullDescription": {"text": _without_links(meaning(code) or short)},
    }
    found = page(code)
    if found is not None:
        markdown = _without_links(found)
        rule["help"] = {"text": markdown, "markdown": markdown}
    return rule


def _without_links(markdown: str) -> str:
    # to other pages of the documentation, which aren't beside the finding
    return re.sub(r"\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", markdown)


def _invocation(status: ExitStatus, left_out: int) -> dict[str, Any]:
    invocation: dict[str, Any] = {
        # findings are what it was run for
        "executionSuccessful": status in {ExitStatus.FINE, ExitStatus.FINDINGS},
        "exitCode": int(status),
    }
    if left_out:
        text = f"{left_out} more findings are left out: {MAX_RESULTS} are the most that are listed."
        invocation["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": text}}]
    return invocation


class _Writer:
    def __init__(self, *, here: str, prefix: str, fallback: str) -> None:
        self.here = here
        self.prefix = prefix
        self.fallback = fallback

    def results(self, findings: Iterable[Diagnostic], codes: Sequence[str]) -> list[dict[str, Any]]:
        numbers = {code: number for number, code in enumerate(codes)}
        seen: Counter[tuple[str, str, str]] = Counter()
        found = []
        for each in findings:
            key = each.code, self.file(each.at), each.message
            seen[key] += 1
            mark = (*key, str(seen[key]))  # without names in C++, which newer versions may spell
            found.append(self.result(each.for_people(), numbers[each.code], mark))
        return found

    def result(self, finding: Diagnostic, rule: int, key: tuple[str, ...]) -> dict[str, Any]:
        text = finding.message
        if finding.hint is not None:
            text += f"\nhint: {finding.hint}"
        # the same finding on another line is still the same
        mark = hashlib.sha256("\0".join(key).encode("utf-8", "backslashreplace")).hexdigest()
        result: dict[str, Any] = {
            "ruleId": finding.code,
            "ruleIndex": rule,
            "level": finding.severity.value,
            "message": {"text": text},
            "locations": [self.location(finding.at)],
            "partialFingerprints": {"westLlext/v1": mark},
        }
        if finding.related:
            result["relatedLocations"] = [
                {
                    "id": number,
                    **self.location(each.at),
                    "message": {"text": each.message},
                }
                for number, each in enumerate(finding.related, 1)
            ]
        return result

    def file(self, at: Span) -> str:
        return file_in_repository(at, here=self.here, prefix=self.prefix, fallback=self.fallback)

    def location(self, at: Span) -> dict[str, Any]:
        name = well_formed(self.file(at))
        physical: dict[str, Any] = {
            "artifactLocation": {"uri": quote(name, safe="/+-._~()"), "uriBaseId": _ROOT}
        }
        if at.line:
            physical["region"] = {"startLine": at.line}
            if at.column:
                physical["region"]["startColumn"] = at.column
        return {"physicalLocation": physical}
