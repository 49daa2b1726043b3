# SPDX-License-Identifier: Apache-2.0
"""What relocating one extension needs, and what comes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import field

from west_llext.arch.machine import Core, Machine, Release
from west_llext.diagnostics import Diagnostic
from west_llext.link.arrange import Arrangement
from west_llext.link.codec import Codec
from west_llext.link.exports import Made
from west_llext.link.missing import LineFinder
from west_llext.link.symbols import SymbolTable
from west_llext.link.tables import OffsetTable
from west_llext.link.targets import Target
from west_llext.link.veneers import Stubs
from west_llext.model.elf import ObjectFile, Relocation
from west_llext.model.manifest import Mode
from west_llext.model.region import Region
from west_llext.record import record


def no_identifier(name: str) -> int:
    """What stands for a name where the target looks it up as it is."""
    del name
    return 0


@record(frozen=True, slots=True, kw_only=True)
class Job:
    """All that relocating one extension needs.

    addresses: of each region, in prelocated mode; empty otherwise
    made: export entries that the link made
    line: finds source lines, for messages
    table: words of the extension that hold addresses
    identifier: SLID of a name, where the target looks names up by number; else 0
    release: of Zephyr on the target; None for the newest
    thread_pointer: where it is, counted from the first byte of the base's thread-local block
    highest: the highest address that the base image is loaded at; 0 where it isn't known
    peer_address: address of an export of a prelocated extension, by (extension, name)
    """

    obj: ObjectFile
    arranged: Arrangement
    targets: list[Target]
    stubs: Stubs
    made: Made
    mode: Mode
    machine: Machine
    core: Core
    codec: Codec
    addresses: Mapping[Region, int]
    peer_address: Callable[[str, str], int]
    line: LineFinder
    table: OffsetTable = field(default_factory=OffsetTable)
    identifier: Callable[[str], int] = no_identifier
    thread_pointer: int = 0
    highest: int = 0
    release: Release | None = None

    def beyond(self, bits: int) -> bool:
        """Whether the base image, and so the loader's heap, is at addresses of more bits."""
        return bool(self.highest >> bits)


@record(slots=True)
class Relocated:
    """What came of it.

    contents: by region, final bytes
    left: by region, what the target has to do; symbols are indices in `symbols`
    applied: how often each type was applied, by number
    """

    contents: dict[Region, bytearray]
    left: dict[Region, list[Relocation]]
    symbols: SymbolTable
    applied: Counter[int] = field(default_factory=Counter)
    findings: list[Diagnostic] = field(default_factory=list)


def contents(job: Job) -> dict[Region, bytearray]:
    """The bytes of each region before anything is relocated; BSS has none."""
    found: dict[Region, bytearray] = {}
    data = job.obj.data
    for region, output in job.arranged.outputs.items():
        if region is Region.BSS:
            continue
        content = bytearray(output.size)
        for source, offset, size in output.pieces:
            if source >= 0:
                start = job.obj.sections[source].offset
                content[offset : offset + size] = data[start : start + size]
        found[region] = content
    return found
