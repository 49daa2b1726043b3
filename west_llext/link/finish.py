# SPDX-License-Identifier: Apache-2.0
"""The linked extension as a record: sections, symbol tables, exports, imports, identity."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from west_llext.link.arrange import SECTION_NAMES
from west_llext.link.debug import debug_addresses, debug_sections, twin_symbols
from west_llext.link.exports import Exports
from west_llext.link.identity import digest
from west_llext.link.job import Job, Relocated
from west_llext.link.symbols import ExportForm, blob_symbols
from west_llext.link.targets import Target
from west_llext.model.elf import Relocation
from west_llext.model.link import Export, Import, Linked, OutputSection, Piece
from west_llext.model.manifest import Extension, Mode
from west_llext.model.region import Region
from west_llext.model.rows import symbol_columns

# a named tuple made in one step, in half the time
_piece: Callable[[tuple[str, int, int]], Piece]
_piece = partial(tuple.__new__, Piece)


def linked(
    job: Job,
    result: Relocated,
    extension: Extension,
    found: Exports,
    imports: tuple[Import, ...],
    *,
    form: ExportForm,
    debug: bool,
) -> Linked:
    """Everything that the emitters need of one extension.

    imports: without addresses of what prelocated extensions export
    debug: whether a debugger is to read it, too
    """
    regions = sorted(job.arranged.outputs)
    numbers = {region: index for index, region in enumerate(regions)}
    exports = tuple(
        Export(name, numbers[target.region], target.value | target.thumb, size, target.function)
        for name, target, size in sorted(_sized(job, found))
        if target.region is not None
    )
    symbols, order = blob_symbols(result.symbols.keys, exports, numbers, form)
    if job.mode is Mode.PRELOCATED and imports and imports[-1].provider is not None:
        imports = tuple([_with_address(job, each) for each in imports])  # the base's come first
    bound = extension.mode is not Mode.RELOCATABLE
    used = [
        (name, address)
        for name, provider, address, _, _ in imports
        if provider is None and address is not None
    ]
    sections = tuple([_section(job, result, region, order) for region in regions])
    made_up: tuple[int, ...] = ()
    if debug and job.mode is not Mode.PRELOCATED and not job.machine.debugger_links:
        made_up = debug_addresses(sections, job.obj.ident.bits)
    places = dict(zip(regions, made_up, strict=False)) or job.addresses
    return Linked(
        name=extension.name,
        mode=extension.mode,
        ident=job.obj.ident,
        object_name=job.obj.name,
        sections=sections,
        symbols=symbols,
        all_symbols=twin_symbols(job, numbers) if debug else (),
        exports=exports,
        imports=imports,
        identity=digest(used).hex() if bound else None,
        applied=_by_name(job, result.applied),
        left=_left(job, result),
        debug=debug_sections(job, numbers, places) if debug else (),
        debug_addresses=made_up,
    )


def _sized(job: Job, found: Exports) -> list[tuple[str, Target, int]]:
    wanted = {target.name for target in found.found.values()}
    names, _, sizes_by_index, _, _, sections = symbol_columns(job.obj.symbols)
    rows = zip(names, sizes_by_index, sections, strict=True)
    sizes = {name: size for name, size, section in rows if name in wanted and section}
    return [(name, target, sizes.get(target.name, 0)) for name, target in found.found.items()]


def _section(job: Job, result: Relocated, region: Region, order: list[int]) -> OutputSection:
    output = job.arranged.outputs[region]
    return OutputSection(
        name=SECTION_NAMES[region],
        region=region,
        align=output.align,
        size=output.size,
        content=bytes(result.contents.get(region, b"")),
        address=job.addresses.get(region),
        pieces=tuple(_pieces(job, region)),
        relocations=tuple(
            Relocation(row.offset, order[row.symbol] + 1, row.type, row.addend)
            for row in sorted(result.left.get(region, ()), key=lambda each: each.offset)
        ),
    )


def _pieces(job: Job, region: Region) -> list[Piece]:
    names = {}
    if region is Region.TEXT:
        targets = job.targets
        names = {stub.offset: f"veneer for {targets[stub.target].name}" for stub in job.stubs.all}
    made = "COMMON" if region is Region.BSS else "exports"
    sections = job.obj.sections
    return [
        _piece((sections[source][0] if source >= 0 else names.get(offset, made), offset, size))
        for source, offset, size in job.arranged.outputs[region].pieces
    ]


def _with_address(job: Job, each: Import) -> Import:
    if each.provider is None or job.mode is not Mode.PRELOCATED:
        return each
    return each._replace(address=job.peer_address(each.provider, each.name))


def _by_name(job: Job, counts: dict[int, int]) -> dict[str, int]:
    return {
        job.machine.rows[number].name: count for number, count in sorted(counts.items()) if count
    }


def _left(job: Job, result: Relocated) -> dict[str, int]:
    counts: dict[int, int] = {}
    for rows in result.left.values():
        for row in rows:
            counts[row.type] = counts.get(row.type, 0) + 1
    return _by_name(job, counts)
