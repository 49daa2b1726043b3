# SPDX-License-Identifier: Apache-2.0
"""One extension on its way through the link: opened, resolved, finished.

Three steps, because others come between them: what it exports must be known before another
extension can import it, and every size before anything is placed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from enum import Enum
from itertools import chain, repeat

from west_llext.arch.machine import Core, Machine, Release
from west_llext.diagnostics import Diagnostic
from west_llext.link.arrange import Arrangement, arrangement
from west_llext.link.bounds import with_bounds
from west_llext.link.codec import codec
from west_llext.link.constructors import with_arrays
from west_llext.link.direct import direct
from west_llext.link.exports import Exports, Made, exports, made_entries
from west_llext.link.finish import linked
from west_llext.link.job import Job, no_identifier
from west_llext.link.lookup import BaseLookup
from west_llext.link.missing import LineFinder, by_c_name, miss_diagnostic
from west_llext.link.place import memory_of
from west_llext.link.relocate import relocated
from west_llext.link.resolve import Offered, Peer, Peers, Resolution, imports, resolution
from west_llext.link.shared import relocatable
from west_llext.link.slids import slid_findings
from west_llext.link.symbols import ExportForm
from west_llext.link.tables import OffsetTable, offset_table
from west_llext.link.targets import Target, own_targets
from west_llext.link.veneers import Reach, Stubs, Window, stubs
from west_llext.link.verdicts import (
    export_findings,
    resolution_findings,
    unread_providers,
    untyped_code,
)
from west_llext.model.elf import SHF_ALLOC, SHN_UNDEF, STB_LOCAL, FileType, ObjectFile, Symbol
from west_llext.model.link import Linked
from west_llext.model.manifest import Extension, Mode
from west_llext.model.members import plain_members
from west_llext.model.region import Region
from west_llext.model.slid import slid
from west_llext.record import record

#: Undefined symbols of an extension for which names that look alike are searched: where there are
#: more, something else is wrong than spelling, and thousands of searches take minutes.
MAX_SUGGESTED = 20


@plain_members
class Purpose(Enum):
    """What the link is for."""

    #: only its findings
    CHECK = "check"
    #: its files, the debugger's among them
    BUILD = "build"


@record(frozen=True, slots=True, kw_only=True)
class Context:
    """What all extensions of one build share.

    machine: of the base image or the objects
    windows: half-open address ranges of the memories, by name
    heap: where text that has no place of its own can run; None for anywhere
    line: finds source lines, for messages
    """

    base: BaseLookup
    machine: Machine
    windows: Mapping[str, Window]
    heap: Window | None
    line: LineFinder


@record(slots=True, kw_only=True)
class Opened:
    """An extension whose object was read.

    own: targets of the symbols that it defines, by index in the symbol table
    """

    extension: Extension
    obj: ObjectFile
    core: Core
    arranged: Arrangement
    own: list[Target | None]
    exports: Exports
    findings: list[Diagnostic]

    def peer(self, *, imported: bool = True) -> Peer:
        """The extension, as importers see it; `imported`: whether there are any."""
        return Peer(
            name=self.extension.name,
            mode=self.extension.mode,
            memory=memory_of(self.extension, Region.TEXT),
            exports={
                name: Offered(target.region, target.value, target.thumb, target.function)
                for name, target in self.exports.found.items()
            },
            private=frozenset(self._private()) if imported else frozenset(),
            imports_from=tuple(each.text for each in self.extension.imports_from),
        )

    def _private(self) -> Iterator[str]:
        for target, symbol in zip(self.own, self.obj.symbols, strict=True):
            bound = target is not None and symbol.info >> 4 != STB_LOCAL
            if bound and symbol.name not in self.exports.found:
                yield symbol.name


@record(slots=True, kw_only=True)
class Resolved:
    """An extension whose symbols are known and whose sizes are final.

    obj: its object, with what knowing them makes possible
    """

    opened: Opened
    obj: ObjectFile
    resolution: Resolution
    targets: list[Target]
    made: Made
    table: OffsetTable
    stubs: Stubs
    findings: list[Diagnostic]

    def sizes(self) -> dict[Region, tuple[int, int]]:
        """(size, alignment) of each region, in bytes."""
        outputs = self.opened.arranged.outputs
        return {region: (output.size, output.align) for region, output in outputs.items()}


# what index 0 of every symbol table is
_NO_SYMBOL = Symbol("", 0, 0, 0, 0, SHN_UNDEF)


def opened(obj: ObjectFile, extension: Extension, machine: Machine, core: Core) -> Opened:
    """An extension's object, with its sections in their regions and its exports found."""
    if not obj.symbols:
        obj = replace(obj, symbols=(_NO_SYMBOL,))
    findings: list[Diagnostic] = []
    if obj.file_type == FileType.DYN:
        obj, findings = relocatable(obj, machine)
    if machine.prepare is not None:
        obj = machine.prepare(obj)
    obj = with_bounds(with_arrays(obj))
    arranged, more = arrangement(obj, machine)
    findings += more
    own = own_targets(obj, arranged, odd=machine.entry_is_odd)
    found = exports(obj, arranged, extension, own, machine)
    findings += export_findings(obj, extension, found)
    if machine.entry_is_odd:
        findings += untyped_code(obj, extension, found)
    return Opened(
        extension=extension,
        obj=obj,
        core=core,
        arranged=arranged,
        own=own,
        exports=found,
        findings=findings,
    )


def resolved(
    first: Opened,
    context: Context,
    peers: Peers,
    unread: Collection[str] = frozenset(),
) -> Resolved:
    """The extension with every symbol looked up and its veneers counted.

    unread: names of extensions that could not be opened, which is reported elsewhere
    """
    obj, arranged, extension = first.obj, first.arranged, first.extension
    machine = context.machine
    found = resolution(
        obj,
        arranged,
        extension,
        first.own,
        base=context.base,
        peers=peers,
        refused=machine.refused,
    )
    findings = resolution_findings(obj, extension, found, unread)
    findings += slid_findings(obj, extension, found, context.base.slids(obj.ident.bits))
    if found.misses and not unread_providers(extension, unread):
        offer = context.base.offer
        twins = by_c_name(obj)
        reasons = chain(repeat(offer.why, MAX_SUGGESTED), repeat(offer.briefly))
        findings += [
            miss_diagnostic(obj, extension, miss, why=why, line=context.line, twins=twins)
            for miss, why in zip(found.misses, reasons, strict=False)  # repeat() has no end
        ]
    targets = list(found.targets)
    added = () if _exports_symbols(extension, context) else first.exports.added
    made = made_entries(arranged, added, targets, word=obj.ident.bits // 8)
    reach = Reach(
        machine=machine,
        core=first.core,
        mode=extension.mode,
        text=_window(extension, context, Region.TEXT),
        window=_target_window(context, peers),
    )
    obj = direct(obj, targets, reach, lambda region: _window(extension, context, region))
    table = offset_table(obj, arranged, targets, machine)
    branches = stubs(obj, arranged, targets, reach, codec(obj.ident.order))
    return Resolved(
        opened=first,
        obj=obj,
        resolution=found,
        targets=targets,
        made=made,
        table=table,
        stubs=branches,
        findings=findings,
    )


def finished(
    second: Resolved,
    context: Context,
    addresses: Mapping[Region, int],
    peer_address: Callable[[str, str], int],
    purpose: Purpose,
) -> tuple[Linked, list[Diagnostic]]:
    """The extension with every relocation applied or rewritten.

    addresses: of each region, in prelocated mode
    peer_address: address of a prelocated extension's export, by (extension, name)
    """
    first = second.opened
    job = Job(
        obj=second.obj,
        arranged=first.arranged,
        targets=second.targets,
        stubs=second.stubs,
        made=second.made,
        table=second.table,
        mode=first.extension.mode,
        machine=context.machine,
        core=first.core,
        codec=codec(first.obj.ident.order),
        addresses=addresses,
        peer_address=peer_address,
        line=context.line,
        identifier=_identifier(first.obj, context),
        thread_pointer=_thread_pointer(context),
        release=_release(context),
        highest=_highest(context),
    )
    result = relocated(job)
    every = _exports_symbols(first.extension, context)
    form = ExportForm.SYMBOLS if every else ExportForm.TABLE
    record = linked(
        job,
        result,
        first.extension,
        first.exports,
        imports(first.obj, second.resolution),
        form=form,
        debug=purpose is Purpose.BUILD,
    )
    return record, result.findings


def _exports_symbols(extension: Extension, context: Context) -> bool:
    # The loader of 3.5 exports every global function, and doesn't know .exported_sym: it would
    # apply its relocations to the section before. 3.5.99 was so for most of its time.
    version = context.base.offer.zephyr or ""
    return extension.mode is not Mode.PRELOCATED and re.match(r"v?3\.5(\D|$)", version) is not None


def _identifier(obj: ObjectFile, context: Context) -> Callable[[str], int]:
    # A base that looks symbols up by SLID reads it from the value of the undefined symbol, as
    # scripts/build/llext_inject_slids.py of Zephyr writes it. Between extensions names count.
    if not context.base.offer.by_slid:
        return no_identifier
    size = obj.ident.bits // 8
    return lambda name: slid(name, size)


def _release(context: Context) -> Release | None:
    # of Zephyr, from `4.3.0`; what isn't written so isn't known
    found = re.match(r"(\d+)\.(\d+)", context.base.offer.zephyr or "")
    return (int(found[1]), int(found[2])) if found else None


def _highest(context: Context) -> int:
    # address of what the base image loads
    image = context.base.offer.image
    sections = () if image is None else image.sections
    return max([each.addr for each in sections if each.flags & SHF_ALLOC], default=0)


def _thread_pointer(context: Context) -> int:
    # counted from the first byte of the base image's thread-local block
    image, place = context.base.offer.image, context.machine.thread_pointer
    block = None if image is None else image.thread_block
    return 0 if block is None or place is None else place(*block)


def _window(extension: Extension, context: Context, region: Region) -> Window | None:
    # where a region can be
    if extension.mode is not Mode.PRELOCATED:
        return context.heap
    return context.windows.get(memory_of(extension, region) or "")


def _target_window(
    context: Context, peers: Mapping[str, Peer]
) -> Callable[[Target], Window | None]:
    def window(target: Target) -> Window | None:
        if target.provider is not None:
            peer = peers[target.provider]
            if peer.mode is not Mode.PRELOCATED:
                return context.heap
            return context.windows.get(peer.memory or "")
        if not target.value:
            return None
        return target.value, target.value + 1

    return window
