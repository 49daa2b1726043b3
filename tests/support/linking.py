# SPDX-License-Identifier: Apache-2.0
"""One object through the link: opened, resolved, finished, with a base image made of symbols."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

from west_llext.arch.machine import Core, Machine
from west_llext.arch.machines import machine_of
from west_llext.diagnostics import Diagnostic
from west_llext.elf.attributes import abi
from west_llext.elf.headers import headers
from west_llext.elf.read import object_file
from west_llext.elf.symbols import image_symbols
from west_llext.link.extension import (
    Context,
    Opened,
    Purpose,
    Resolved,
    finished,
    opened,
    resolved,
)
from west_llext.link.lookup import BaseLookup
from west_llext.link.missing import LineFinder
from west_llext.link.resolve import Peer, Peers
from west_llext.link.veneers import Window
from west_llext.model.base import Abi, BaseImage, Offer, Reason, Why
from west_llext.model.elf import Ident, ObjectFile
from west_llext.model.link import Linked
from west_llext.model.manifest import CompilerRuntime, Extension, Mode, Name
from west_llext.model.region import PLACEABLE, Region

from . import elfbuild
from .elfbuild import FUNC, OBJECT, SHN_ABS, Sym
from .tools import thread_sections

ARM = Ident(machine=40, bits=32, little=True, flags=0x05000000)

#: (size, alignment) of each region.
Sizes = Mapping[Region, tuple[int, int]]


def thumb(name: str, address: int) -> Sym:
    """A Thumb function of the base image."""
    return Sym(name=name, value=address | 1, type=FUNC, section=SHN_ABS)


def arm(name: str, address: int) -> Sym:
    """An Arm function of the base image."""
    return Sym(name=name, value=address, type=FUNC, section=SHN_ABS)


def data(name: str, address: int) -> Sym:
    """A variable of the base image."""
    return Sym(name=name, value=address, type=OBJECT, section=SHN_ABS)


def absent(name: str) -> Why:
    """The answer of a base image that knows of nothing."""
    del name
    return Why(reason=Reason.ABSENT)


def no_line(obj: ObjectFile, section: int, offset: int) -> None:
    """An object without debug information."""
    del obj, section, offset


def offer(
    symbols: Sequence[Sym],
    *,
    exported: Container[str] | None = None,
    why: Callable[[str], Why] = absent,
    ident: Ident = ARM,
    zephyr_version: str | None = None,
) -> Offer:
    """What a base image with these symbols offers; it exports all of them if nothing is said."""
    image = elfbuild.elf(
        symbols=symbols,
        machine=ident.machine,
        bits=ident.bits,
        little=ident.little,
        sections=thread_sections(symbols),
    )
    head = headers(image, "base.elf")
    index, local, _, _ = image_symbols(head)
    base = BaseImage(
        name="base.elf",
        digest="",
        abi=Abi(ident=ident),
        symbols=index,
        exports=None,
        local=local,
        sections=head.sections,
        zephyr_version=zephyr_version,
    )
    names = index if exported is None else exported
    return Offer(image=base, exported=names, why=why, briefly=why)


def extension(
    *,
    name: str = "ext",
    mode: Mode = Mode.PRELOCATED,
    compiler_runtime: CompilerRuntime = CompilerRuntime.BASE,
    exports: Sequence[Name | str] = (),
    imports_from: Sequence[Name | str] = (),
    place: Mapping[Region, str] | None = None,
) -> Extension:
    """An extension of a manifest; a prelocated one has each region in a memory of that name."""
    if place is None:
        place = {region: region.label for region in PLACEABLE} if mode is Mode.PRELOCATED else {}
    return Extension(
        name=name,
        mode=mode,
        compiler_runtime=compiler_runtime,
        exports=tuple(Name(each) if isinstance(each, str) else each for each in exports),
        imports_from=tuple(Name(each) if isinstance(each, str) else each for each in imports_from),
        place={region: Name(memory) for region, memory in place.items()},
    )


def core_of(obj: ObjectFile) -> Core:
    """The processor, as the object's build attributes say."""
    said = abi(obj)
    return machine_for(obj).core(said.ident, said.attributes)


def machine_for(obj: ObjectFile) -> Machine:
    """The machine of an object."""
    machine = machine_of(obj.ident)
    assert machine is not None, obj.ident
    return machine


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of a link.

    record: None where an error stopped it before the end
    addresses: of each region, in prelocated mode
    """

    first: Opened
    second: Resolved
    record: Linked | None
    addresses: Mapping[Region, int]
    findings: list[Diagnostic]

    @property
    def linked(self) -> Linked:
        """The record, where there were no findings."""
        assert not self.findings, [str(each) for each in self.findings]
        assert self.record is not None
        return self.record

    def content(self, region: Region) -> bytes:
        """The bytes of a region."""
        section = self.linked.section(region)
        assert section is not None, region
        return section.content


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a link is given beside the object.

    heap: where the loader can put the extension; None for anywhere
    windows: addresses of memories by name; regions are memories where `extension` made them
    place: addresses of the regions, from their sizes
    reorder: changes the order of what the link made, before it is placed
    """

    extension: Extension
    base: Offer
    place: Callable[[Sizes], Mapping[Region, int]] = lambda sizes: packed(sizes)  # noqa: PLW0108
    windows: Mapping[str, Window] | None = None
    heap: Window | None = None
    peers: Mapping[str, Peer] | None = None
    peer_addresses: Mapping[tuple[str, str], int] | None = None
    line: LineFinder = no_line
    core: Core | None = None
    purpose: Purpose = Purpose.BUILD
    reorder: Callable[[Resolved], None] | None = None

    def link(self, content: bytes | ObjectFile, name: str = "unit.o") -> Outcome:
        """The object, linked."""
        obj = content if isinstance(content, ObjectFile) else object_file(content, name)
        machine = machine_for(obj)
        first = opened(obj, self.extension, machine, self.core or core_of(obj))
        context = Context(
            base=BaseLookup(
                self.base, odd=machine.entry_is_odd, threads=machine.thread_pointer is not None
            ),
            machine=machine,
            windows=NEAR if self.windows is None else self.windows,
            heap=self.heap,
            line=self.line,
        )
        second = resolved(
            first, context, self.peers if isinstance(self.peers, Peers) else Peers(self.peers or {})
        )
        if self.reorder is not None:
            self.reorder(second)
        findings = first.findings + second.findings
        fixed = self.extension.mode is Mode.PRELOCATED
        addresses = dict(self.place(second.sizes())) if fixed else {}
        record = None
        if not findings:
            known = self.peer_addresses or {}
            record, more = finished(
                second, context, addresses, lambda *key: known[key], self.purpose
            )
            findings = findings + more
        return Outcome(
            first=first, second=second, record=record, addresses=addresses, findings=findings
        )


#: Memories in which `packed` places, each small enough for any branch.
START = 0x10000
NEAR: Mapping[str, Window] = {region.label: (START, START + (1 << 20)) for region in PLACEABLE}


def packed(sizes: Sizes, start: int = START) -> dict[Region, int]:
    """One region behind the other, in the order of the loader."""
    found = {}
    for region in sorted(sizes):
        size, align = sizes[region]
        start = (start + align - 1) & -align
        found[region] = start
        start += size
    return found
