# SPDX-License-Identifier: Apache-2.0
"""`info` of damaged blobs and base images, up to what is printed."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator
from functools import cache
from io import StringIO
from pathlib import Path

from tests.fuzz.objects import Kind, base, kinds, machine, whole
from tests.fuzz.target import Target, attempt, scratch
from tests.fuzz.targets import link
from west_llext.cli.console import Console
from west_llext.cli.rendering import rendered
from west_llext.cli.verbs.info import run as info
from west_llext.diagnostics import has_errors
from west_llext.model.manifest import Mode

_FORMATS = ("text", "json", "sarif", "github")


def seeds() -> dict[str, bytes]:
    """What the link makes of whole objects in each mode, a base image, and a plain object."""
    return dict(_seeds())


def _seeds() -> Iterator[tuple[str, bytes]]:
    for kind in kinds():
        yield f"{kind.label} base", b"\0" + base(kind)
        yield f"{kind.label} object", b"\0" + whole(kind)
        for mode in Mode:
            if machine(kind) is not None:
                yield f"{kind.label} {mode.value}", b"\1" + link.blob(whole(kind), mode)


@cache
def _base_file(kind: Kind) -> Path:
    path = scratch("blob_info") / f"base-{kind.label.replace(' ', '-')}.elf"
    path.write_bytes(base(kind))
    return path


def run(data: bytes) -> bool:
    """Describe the file, alone or held against a base image; the first byte chooses."""
    choice, content = data[0] if data else 0, data[1:]
    path = scratch("blob_info") / "a.llext"
    path.write_bytes(content)
    arguments = Namespace(
        files=[path],
        base=_base_file(link.kind_of(content)) if choice & 1 else None,
        build_dir=None,
        domain=None,
        llext_verb="info",
        llext_format=_FORMATS[choice >> 1 & 3],
        llext_verbosity="verbose" if choice & 8 else "normal",
    )
    console = Console(StringIO(), StringIO(), os.environ)
    report = attempt(lambda: info(arguments, console))
    if report is None:
        return False
    out, err_text = rendered(report, arguments, console)
    (out + err_text).encode("utf-8", "backslashreplace")
    return not has_errors(report.findings)


TARGET = Target(name="blob_info", seeds=seeds, run=run, mutate=link.mutate)
