# SPDX-License-Identifier: Apache-2.0
"""SARIF 2.1.0: the whole log, and what a public validator says of it.

`fluidattacks_core.sarif` is generated from the schema of the standard (OASIS) and refuses unknown
properties, as the schema does.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path, PurePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.findings import ALL, ERROR, WARNING
from support.node import program

from west_llext import __version__
from west_llext.app import codes
from west_llext.cli.render import sarif
from west_llext.diagnostics import Diagnostic, ExitStatus, Severity, Span

EXPECTED = {
    "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
    "version": "2.1.0",
    "runs": [
        {
            "tool": {
                "driver": {
                    "name": "west-llext",
                    "semanticVersion": __version__,
                    "rules": [
                        {
                            "id": "M015",
                            "shortDescription": {"text": "a value that isn't allowed"},
                            "fullDescription": {
                                "text": "The value isn't one of the words that the key can have, "
                                "or doesn't have the form that is needed."
                            },
                            "help": {"text": "PAGE", "markdown": "PAGE"},
                        },
                        {
                            "id": "Z999",
                            "shortDescription": {"text": "Z999"},
                            "fullDescription": {"text": "Z999"},
                        },
                    ],
                }
            },
            "automationDetails": {"id": "west-llext/check/"},
            "originalUriBaseIds": {
                "%SRCROOT%": {"description": {"text": "Top of the repository."}}
            },
            "columnKind": "unicodeCodePoints",
            "invocations": [{"executionSuccessful": True, "exitCode": 1}],
            "results": [
                {
                    "ruleId": "M015",
                    "ruleIndex": 0,
                    "level": "error",
                    "message": {
                        "text": "'mode' is 'bond', expected one of 'relocatable', 'bound', "
                        "'prelocated'\nhint: write 'bound'"
                    },
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {
                                    "uri": "app/llext.yml",
                                    "uriBaseId": "%SRCROOT%",
                                },
                                "region": {"startLine": 12, "startColumn": 11},
                            }
                        }
                    ],
                    "partialFingerprints": {"westLlext/v1": "MARK"},
                },
                {
                    "ruleId": "Z999",
                    "ruleIndex": 1,
                    "level": "warning",
                    "message": {"text": "'place' has no effect: 'demo' is bound"},
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {
                                    "uri": "app/apps/llext.yml",
                                    "uriBaseId": "%SRCROOT%",
                                },
                                "region": {"startLine": 3},
                            }
                        }
                    ],
                    "partialFingerprints": {"westLlext/v1": "MARK"},
                    "relatedLocations": [
                        {
                            "id": 1,
                            "physicalLocation": {
                                "artifactLocation": {
                                    "uri": "app/apps/llext.yml",
                                    "uriBaseId": "%SRCROOT%",
                                },
                                "region": {"startLine": 9, "startColumn": 5},
                            },
                            "message": {"text": "'demo' is declared here"},
                        },
                        {
                            "id": 2,
                            "physicalLocation": {
                                "artifactLocation": {
                                    "uri": "app/demo.o",
                                    "uriBaseId": "%SRCROOT%",
                                }
                            },
                            "message": {"text": "it was made of this"},
                        },
                    ],
                },
            ],
        }
    ],
}


def rendered(*findings: Diagnostic, prefix: str = "", status: int = 1) -> str:
    """The text of a log."""
    return sarif.render(
        findings,
        verb="check",
        status=ExitStatus(status),
        here="",
        prefix=prefix,
        fallback="llext.yml",
    )


def log(*findings: Diagnostic, prefix: str = "", status: int = 1) -> dict[str, Any]:
    """The log of some findings, read back."""
    return dict(json.loads(rendered(*findings, prefix=prefix, status=status)))


def results(*findings: Diagnostic) -> list[dict[str, Any]]:
    """The results in the log of some findings."""
    return list(log(*findings)["runs"][0]["results"])


def validated(text: str) -> None:
    """Hold a log against the schema of the standard."""
    models = pytest.importorskip("fluidattacks_core.sarif")
    models.SarifLog.model_validate_json(text)


def test_a_log_as_a_whole() -> None:
    """Files are relative to the repository, columns count characters, rules carry their page."""
    unknown = Diagnostic(
        code="Z999",
        at=WARNING.at,
        message=WARNING.message,
        related=WARNING.related,
        severity=Severity.WARNING,
    )
    found = log(ERROR, unknown, prefix="app")
    run = found["runs"][0]
    for result in run["results"]:
        (mark,) = result["partialFingerprints"].values()
        assert len(mark) == 64
        result["partialFingerprints"] = {"westLlext/v1": "MARK"}
    help_text = run["tool"]["driver"]["rules"][0]["help"]
    assert help_text["markdown"] == codes.page("M015")
    run["tool"]["driver"]["rules"][0]["help"] = {"text": "PAGE", "markdown": "PAGE"}
    assert found == EXPECTED


def test_a_page_in_a_log_has_no_links_that_lead_nowhere() -> None:
    """They are relative to a page of the documentation; what they say stays."""
    found = log(*(Diagnostic(code=code, at=WARNING.at, message="m") for code in ("I003", "X008")))
    rules = found["runs"][0]["tool"]["driver"]["rules"]
    assert "](" not in json.dumps(rules)
    assert "doesn't follow the format: sizes" in rules[0]["fullDescription"]["text"]
    assert "(see unit tests)" in rules[1]["help"]["markdown"]


def test_the_schema_of_the_standard_holds() -> None:
    """OASIS SARIF 2.1.0, Appendix B."""
    validated(rendered(*ALL, prefix="a/b"))


def test_a_log_without_findings_is_valid() -> None:
    """`results` has to be there, or nobody knows that nothing was found."""
    text = rendered(status=0)
    validated(text)
    assert json.loads(text)["runs"][0]["results"] == []


@given(
    name=st.text(st.characters(exclude_characters="\0"), min_size=1),
    message=st.text(),
    line=st.integers(0, 1 << 31),
    column=st.integers(0, 1 << 31),
)
def test_any_finding_makes_a_valid_log(name: str, message: str, line: int, column: int) -> None:
    """Whatever strangers call their files."""
    finding = Diagnostic(code="M001", at=Span(PurePath(name), line, column), message=message)
    validated(rendered(finding))


def test_the_schema_test_can_fail() -> None:
    """The validator knows what isn't in the standard."""
    models = pytest.importorskip("fluidattacks_core.sarif")
    broken = log(*ALL)
    broken["extra"] = 1
    with pytest.raises(ValueError, match="extra"):
        models.SarifLog.model_validate(broken)


def test_a_finding_without_a_place_is_at_the_manifest() -> None:
    """Services refuse a result without a location."""
    (result,) = results(ALL[2])
    expected = {"artifactLocation": {"uri": "llext.yml", "uriBaseId": "%SRCROOT%"}}
    assert [{"physicalLocation": expected}] == result["locations"]


def test_a_fingerprint_stays_when_lines_move() -> None:
    """So that the same finding in a longer file isn't reported as new."""
    moved = Diagnostic(
        code=ERROR.code, at=Span(ERROR.at.file, 99, 1), message=ERROR.message, hint=ERROR.hint
    )
    assert results(ERROR)[0]["partialFingerprints"] == results(moved)[0]["partialFingerprints"]


def test_two_equal_findings_have_two_fingerprints() -> None:
    """Or one of them would count as fixed."""
    first, second = results(ERROR, ERROR)
    assert first["partialFingerprints"] != second["partialFingerprints"]


@pytest.mark.parametrize(("status", "successful"), [(0, True), (1, True), (2, False), (3, False)])
def test_a_run_that_could_not_look_was_no_success(status: int, successful: bool) -> None:  # noqa: FBT001
    """Findings are what it was run for; a missing file isn't."""
    invocation = {"executionSuccessful": successful, "exitCode": status}
    assert log(ERROR, status=status)["runs"][0]["invocations"] == [invocation]


def test_a_uri_is_escaped() -> None:
    """RFC 3986."""
    finding = Diagnostic(code="M001", at=Span(PurePath("a b/ü#?.yml")), message="x")
    location = results(finding)[0]["locations"]
    assert "a%20b/%C3%BC%23%3F.yml" in json.dumps(location)


def test_more_than_a_service_takes_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub takes 25,000 results a run."""
    assert sarif.MAX_RESULTS == 25_000
    monkeypatch.setattr(sarif, "MAX_RESULTS", 2)
    (run,) = log(ERROR, WARNING, ERROR)["runs"]
    assert len(run["results"]) == 2
    text = "1 more findings are left out: 2 are the most that are listed."
    notification = {"level": "warning", "message": {"text": text}}
    assert [notification] == run["invocations"][0]["toolExecutionNotifications"]


def multitool(text: str, rules: str, folder: Path) -> list[str]:
    """What Microsoft's validator calls errors, by the rules of the standard or those of GitHub."""
    path = folder / "log.sarif"
    path.write_text(text, encoding="utf-8")
    script = program("@microsoft/sarif-multitool", "bin.js")
    command = [*script, "validate", str(path), "--rule-kind", rules]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert "Done. 1 files scanned.\n" in shown.stdout
    return re.findall(r": error ([A-Z]+[0-9]+): ", shown.stdout)


@pytest.mark.parametrize("rules", ["Sarif", "Ghas"])
def test_the_multitool_finds_no_error(rules: str, tmp_path: Path) -> None:
    """With findings of every kind, and without any."""
    assert multitool(rendered(*ALL, prefix="a/b"), rules, tmp_path) == []
    assert multitool(rendered(status=0), rules, tmp_path) == []


def test_the_multitool_finds_what_is_wrong(tmp_path: Path) -> None:
    """A property that isn't in the schema, and a rule that isn't there."""
    broken = log(*ALL)
    broken["extra"] = 1
    broken["runs"][0]["results"][0]["ruleIndex"] = 77
    assert multitool(json.dumps(broken), "Sarif", tmp_path) == ["JSON1005", "SARIF1009"]
