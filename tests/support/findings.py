# SPDX-License-Identifier: Apache-2.0
"""Findings to render: one of each severity, with everything that a finding can have."""

from __future__ import annotations

from pathlib import PurePath

from west_llext.diagnostics import NOWHERE, Diagnostic, Related, Severity, Span

ERROR = Diagnostic(
    code="M015",
    at=Span(PurePath("llext.yml"), 12, 11),
    message="'mode' is 'bond', expected one of 'relocatable', 'bound', 'prelocated'",
    hint="write 'bound'",
)
WARNING = Diagnostic(
    code="M045",
    at=Span(PurePath("apps/llext.yml"), 3),
    message="'place' has no effect: 'demo' is bound",
    related=(
        Related(at=Span(PurePath("apps/llext.yml"), 9, 5), message="'demo' is declared here"),
        Related(at=Span(PurePath("demo.o")), message="it was made of this"),
    ),
    severity=Severity.WARNING,
)
NOTE = Diagnostic(code="T020", at=NOWHERE, message="nothing was checked", severity=Severity.NOTE)
ALL = (ERROR, WARNING, NOTE)
