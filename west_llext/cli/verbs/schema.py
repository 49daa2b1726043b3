# SPDX-License-Identifier: Apache-2.0
"""`west-llext schema`."""

from __future__ import annotations

import json
from argparse import Namespace

from west_llext.cli.console import Console
from west_llext.cli.report import Report
from west_llext.manifest import schema

_FILES = {
    "manifest": schema.MANIFEST,
    "exports": schema.EXPORTS,
    "base": "llext-base.schema.json",
    "build": "llext-build.schema.json",
    "report": "llext-report.schema.json",
}


def run(arguments: Namespace, _console: Console) -> Report:
    """Print a schema."""
    text = schema.text(_FILES[arguments.document])
    document = arguments.document
    result = {"document": document, "content": json.loads(text)}
    return Report(verb="schema", result=result, text=text)
