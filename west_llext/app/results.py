# SPDX-License-Identifier: Apache-2.0
"""What a build that had work to do tells."""

from __future__ import annotations

from west_llext.diagnostics import Diagnostic
from west_llext.emit.budget import Budget
from west_llext.emit.outputs import Changes
from west_llext.emit.summary import SummaryRow
from west_llext.record import record


@record(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """What a build did; errors are raised, so `findings` holds warnings and notes.

    count: extensions of the build
    changes: files that were written, removed or left alone
    rows: of the summary, in the order of the manifest
    budgets: of the declared memories
    """

    count: int
    findings: tuple[Diagnostic, ...]
    changes: Changes
    rows: tuple[SummaryRow, ...] = ()
    budgets: tuple[Budget, ...] = ()
