# SPDX-License-Identifier: Apache-2.0
"""`west-llext init`."""

from __future__ import annotations

from argparse import Namespace

from west_llext.app.init import Existing, InitRequest, InitResult, Takeover, init
from west_llext.cli.console import Console
from west_llext.cli.report import Report, counted


def run(arguments: Namespace, console: Console) -> Report:
    """Write a first manifest."""
    display = arguments.manifest.as_posix()
    result = init(
        InitRequest(
            files=tuple(arguments.files),
            manifest=arguments.manifest,
            display=display,
            image=arguments.base,
            build_dir=arguments.from_build or arguments.build_dir,
            domain=arguments.domain,
            found=Takeover.NOTHING if arguments.from_build is None else Takeover.EVERYTHING,
            existing=Existing.REPLACED if arguments.force else Existing.KEPT,
            environment=console.environment,
        )
    )
    return Report(
        verb="init",
        result={
            "manifest": display,
            "compiler": result.compiler,
            "extensions": [
                {
                    "name": each.name,
                    "sources": list(each.sources),
                    "objects": list(each.objects),
                }
                for each in result.extensions
            ],
        },
        summary=_summary(result, display),
        details=result.content,
        fallback=display,
    )


def _summary(result: InitResult, display: str) -> str:
    lines = [f"wrote {display}: {counted(len(result.extensions), 'extension')}"]
    for each in result.extensions:
        files = ", ".join((*each.sources, *each.objects))
        lines.append(f"  {each.name}: {files}")
    lines.append("next: name what each extension exports, and what the base image offers")
    if result.outside:
        lines.append("use '--allow-outside', because it names files outside of the workspace")
    return "".join(f"{line}\n" for line in lines)
