# SPDX-License-Identifier: Apache-2.0
"""`west-llext load`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator

from west_llext.app.load import (
    LoadRequest,
    LoadResult,
    Outcome,
    Saving,
    load,
    places_of,
    steps_of,
)
from west_llext.app.load_settings import Settings
from west_llext.cli.console import Console
from west_llext.cli.render.plain import one_line
from west_llext.cli.report import Report, counted, status_of
from west_llext.loader.errnos import spelled
from west_llext.loader.extension import LoadParameters
from west_llext.loader.storage import Storage
from west_llext.loader.target import Protection


def run(arguments: Namespace, _console: Console) -> Report:
    """Show what the target's loader would do."""
    asked = _asked(arguments)
    result = load(asked)
    return Report(
        verb="load",
        findings=result.findings,
        document=_document(result),
        text="\n".join(_lines(_shown(each)) for each in result.outcomes),
        details=_lines(_details(result)),
        status=status_of(result.findings),
        fallback=arguments.words[0],
    )


def _lines(texts: Iterable[str]) -> str:
    # names come out of files, and may hold anything
    return "".join(f"{one_line(each)}\n" for each in texts)


def _asked(arguments: Namespace) -> LoadRequest:
    storage, protection = arguments.storage, arguments.protection
    return LoadRequest(
        steps=steps_of(arguments.words),
        base=arguments.base,
        symbols=arguments.base_symbols,
        build_dir=arguments.build_dir,
        settings=Settings(
            arch=arguments.arch,
            release=arguments.zephyr_version,
            heap_address=arguments.heap_address,
            heap_size=arguments.heap_size,
            heap_block=arguments.heap_block,
            protection=None if protection is None else Protection(protection),
            page=arguments.page,
            userspace=arguments.userspace or None,
            by_slid=arguments.slid or None,
            storage=None if storage is None else Storage(storage),
        ),
        parameters=LoadParameters(
            relocate_local=not arguments.no_relocate_local,
            pre_located=arguments.pre_located,
            keep_section_info=arguments.keep_section_info,
        ),
        buffers=tuple(arguments.buffer_address),
        places=places_of(arguments.region_address),
    )


def _document(result: LoadResult) -> dict[str, object]:
    # these keys and no others: programs compare them with what their targets did
    loads = [_load_object(each) for each in result.outcomes if each.file is not None]
    return {"schema": 1, "loads": loads}


def _load_object(each: Outcome) -> dict[str, object]:
    return {
        "name": each.name,
        "result": each.result,
        "log": [{"level": line.level, "text": line.text} for line in each.log],
        "use_count": each.use_count,
        "alloc_size": each.alloc_size,
        "regions": [
            {
                "name": region.name,
                "address": region.address,
                "size": region.size,
                "on_heap": region.on_heap,
                "data": "" if region.data is None else region.data.hex(),
            }
            for region in each.regions
        ],
        "exports": [{"name": row.name, "address": row.address} for row in each.exports],
        "dependencies": list(each.dependencies),
    }


def _shown(each: Outcome) -> Iterator[str]:
    if each.file is None:
        yield f"{each.name}: llext_unload() returns {spelled(each.result)}"
        return
    yield f"{each.name}: llext_load() returns {spelled(each.result)}"
    for line in each.log:
        yield f"  log      {line.level}: {line.text}"
    if each.result < 0:
        return
    yield f"  used     {counted(each.use_count, 'time')}" + (
        f", needs {', '.join(each.dependencies)}" if each.dependencies else ""
    )
    for region in each.regions:
        where = "heap" if region.on_heap else "in the file" if region.address else "not placed"
        at = f" at {region.address:#x}" if region.address else ""
        yield f"  region   {region.name:<8} {counted(region.size, 'byte')}{at}, {where}"
    for row in each.exports:
        yield f"  export   {row.name or '?'} at {row.address:#x}"
    yield from _memory(each)


def _memory(each: Outcome) -> Iterator[str]:
    if each.cost is None:
        return
    known, took = each.cost, each.instructions
    yield (
        f"  heap     {known.kept} bytes kept, {known.peak} at most, "
        f"{each.alloc_size} by the loader's own count"
    )
    yield (
        f"  cost     {counted(known.copied, 'byte')} copied, {counted(known.cleared, 'byte')} "
        f"cleared, {counted(known.compared, 'name')} compared, "
        f"{counted(known.relocated, 'relocation')} applied"
        + ("" if took is None else f": about {_rounded(took)} instructions")
    )
    for saving in each.savings:
        parts = list(_parts(saving))
        if parts:
            yield f"  mode     {saving.mode.value} would save {' and '.join(parts)}"
    for way in each.advice:
        yield f"  save     {counted(way.saved, 'byte')}: {way.action}"


def _parts(saving: Saving) -> Iterator[str]:
    fewer = _rounded(saving.instructions or 0)
    if fewer > 0:
        yield f"about {fewer} instructions"
    if saving.kept > 0:
        yield f"{counted(saving.kept, 'byte')} of the heap"


def _rounded(count: int) -> int:
    # to as many digits as an estimate is worth
    return round(count, -2)


def _details(result: LoadResult) -> Iterator[str]:
    for each in result.outcomes:
        for row in () if each.loaded is None else each.loaded.account:
            align = f", {row.align}-aligned" if row.align else ""
            yield (
                f"{each.name}: allocates {row.size} bytes for {row.what}{align}, "
                f"{row.overhead} of overhead, until the end of {row.lifetime.value}"
            )
