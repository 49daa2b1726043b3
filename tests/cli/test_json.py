# SPDX-License-Identifier: Apache-2.0
"""Reports for programs: the whole text, and one shape whatever there is to say."""

from __future__ import annotations

import json

import jsonschema
from hypothesis import given
from hypothesis import strategies as st
from support.findings import ALL, WARNING

from west_llext import __version__
from west_llext.cli.render.json_report import render, well_formed
from west_llext.cli.report import Report
from west_llext.diagnostics import ExitStatus
from west_llext.manifest.schema import text as schema_text

SCHEMA = json.loads(schema_text("llext-report.schema.json"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_a_report_as_a_whole() -> None:
    """Every key, in this order."""
    report = Report(
        verb="check",
        findings=(WARNING,),
        result={"manifests": 1, "extensions": 4},
        text="not in JSON",
        status=ExitStatus.FINE,
    )
    expected = """\
{
  "schema": 1,
  "tool": {
    "name": "west-llext",
    "version": "VERSION"
  },
  "verb": "check",
  "status": 0,
  "counts": {
    "errors": 0,
    "warnings": 1,
    "notes": 0
  },
  "findings": [
    {
      "code": "M045",
      "severity": "warning",
      "file": "apps/llext.yml",
      "line": 3,
      "column": null,
      "message": "'place' has no effect: 'demo' is bound",
      "hint": null,
      "related": [
        {
          "file": "apps/llext.yml",
          "line": 9,
          "column": 5,
          "message": "'demo' is declared here"
        },
        {
          "file": "demo.o",
          "line": null,
          "column": null,
          "message": "it was made of this"
        }
      ]
    }
  ],
  "result": {
    "manifests": 1,
    "extensions": 4
  }
}
""".replace("VERSION", __version__)
    assert expected == render(report, "")


def test_a_failure_has_the_same_keys() -> None:
    """DESIGN 7: one shape; `result` is null where an error came first."""
    failed = Report(verb="build", findings=ALL, status=ExitStatus.FINDINGS)
    fine = Report(
        verb="build",
        result={
            "extensions": 1,
            "up_to_date": True,
            "written": [],
            "removed": [],
            "untouched": 0,
        },
    )
    documents = [json.loads(render(each, "")) for each in (failed, fine)]
    for document in documents:
        VALIDATOR.validate(document)
    assert list(documents[0]) == list(documents[1])
    assert documents[0]["result"] is None
    assert documents[0]["counts"] == {"errors": 1, "warnings": 1, "notes": 1}


def test_the_schema_is_a_schema_with_a_description_for_every_key() -> None:
    """Draft 2020-12."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for definition in (SCHEMA, *SCHEMA["$defs"].values()):
        for key, value in definition["properties"].items():
            assert value.keys() & {"description", "$ref", "const"}, key


def test_a_result_of_another_verb_is_refused() -> None:
    """The schema says which result belongs to which verb."""
    report = Report(verb="build", result={"manifests": 1, "extensions": 4})
    assert not VALIDATOR.is_valid(json.loads(render(report, "")))


@given(
    st.recursive(
        st.text() | st.integers(), lambda each: st.lists(each) | st.dictionaries(st.text(), each)
    )
)
def test_whatever_is_in_a_name_the_text_is_well_formed(value: object) -> None:
    """Names in ELF files need not be UTF-8; they are kept as lone surrogates."""
    json.dumps(well_formed(value), ensure_ascii=False).encode("utf-8")
