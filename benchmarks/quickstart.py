# SPDX-License-Identifier: Apache-2.0
"""The sample with sources, built, so that building it again has nothing to do."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks.processes import Command, FailedError, usage
from benchmarks.product import Product

_SAMPLE = Path(__file__).resolve().parent.parent / "samples" / "quickstart"


def command(folder: Path, product: Product) -> Command | None:
    """A build of the quickstart; None where it can't be built here."""
    place = folder / "quickstart"
    shutil.copytree(_SAMPLE, place, ignore=shutil.ignore_patterns("build"))

    def made(label: str, *words: str) -> Command:
        return Command(label=label, words=words, folder=place, environment=product.environment)

    tool = product.python()
    again = made("west-llext build again, quickstart", *tool, "build", "-o", "build/llext")
    base = [sys.executable, "build_base.py", "--exports", "build/llext"]
    try:
        usage(made("exports", *tool, "exports", "-o", "build/llext"))
        usage(made("base image", *base, "--output", "build/base.elf"))
        usage(again)
    except FailedError:
        return None
    return again
