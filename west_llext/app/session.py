# SPDX-License-Identifier: Apache-2.0
"""The link of some extensions, step by step; lives in one process.

A build has one session a worker. What a step tells is small and comes in parts, because it goes
through a pipe: objects and link states stay in the session.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

from west_llext.app.products import Product, product, with_load
from west_llext.app.state import digest
from west_llext.app.trial import Plan, Trial
from west_llext.arch.machine import Machine
from west_llext.arch.machines import machine_of
from west_llext.base.abi import abi_findings, abi_of
from west_llext.diagnostics import Diagnostic, LlextError, Span, has_errors
from west_llext.elf.read import file_content, object_file
from west_llext.emit.aside import Aside
from west_llext.emit.blob import blob
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
from west_llext.link.resolve import Peer, Peers
from west_llext.model.base import Abi, Offer
from west_llext.model.elf import SHF_ALLOC, FileType, ObjectFile
from west_llext.model.link import Linked
from west_llext.model.manifest import Extension, Memory
from west_llext.model.region import Region
from west_llext.model.rows import Rows, symbol_columns
from west_llext.record import record

#: Extensions of which products are told together.
_PART = 32


class Task(NamedTuple):
    """An extension and the object that it is linked from.

    name: what messages call the object
    """

    extension: Extension
    path: Path
    name: str


class OpenReply(NamedTuple):
    """What opening an extension told; the others are None where its object couldn't be read.

    digest: SHA-256 of the object, hexadecimal
    """

    findings: list[Diagnostic]
    digest: str | None = None
    peer: Peer | None = None
    abi: Abi | None = None


class SizeReply(NamedTuple):
    """What resolving an extension told: (size, alignment) of its regions."""

    sizes: dict[Region, tuple[int, int]]
    findings: list[Diagnostic]


class ProductReply(NamedTuple):
    """What finishing an extension told.

    blob: of one that is loaded together with others, which may be in another session
    """

    product: Product | None
    findings: list[Diagnostic]
    blob: bytes | None = None


@record(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the extensions of a build share, as far as it is known before they are opened.

    base_name, base_abi: of the base image, or None where there is none
    windows, line: as in `link.extension.Context`
    memories: of the manifest
    origin: the manifest, as outputs name it
    providers: names of extensions that others import from
    aside: where contents of files are put; None to hand them on
    plan: what blobs are tried on; None for nothing
    """

    offer: Offer
    base_name: str
    base_abi: Abi | None
    windows: Mapping[str, tuple[int, int]]
    line: Callable[..., Span | None]
    purpose: Purpose
    memories: Sequence[Memory]
    origin: str
    providers: frozenset[str] = frozenset()
    aside: Aside | None = None
    plan: Plan | None = None


class Session:
    """The extensions of one process, in the order of the manifest."""

    def __init__(self, surroundings: Surroundings, tasks: Sequence[Task]) -> None:
        """Nothing is read before `open`."""
        self.shared = surroundings
        self.tasks = tasks
        self.contexts: dict[Machine, Context] = {}
        self.opened: dict[str, tuple[Opened, Machine]] = {}
        self.resolved: dict[str, Resolved] = {}
        self.trial = None if surroundings.plan is None else Trial(surroundings.plan)

    def open(self) -> Iterator[list[OpenReply]]:
        """Read every object: what it exports, and whether it suits the base image."""
        yield [self._open(task) for task in self.tasks]

    def _open(self, task: Task) -> OpenReply:
        try:
            content = file_content(task.path, task.name)
            obj = object_file(content, task.name)
            abi = abi_of(obj)
        except LlextError as err:
            return OpenReply(list(err.diagnostics))
        findings = self._mismatches(task.name, abi)
        machine = machine_of(obj.ident)
        wrong = _unlinkable(obj, machine)
        if wrong is not None and not has_errors(findings):
            at = Span(PurePath(task.name))
            text, hint = wrong
            findings.append(
                Diagnostic(code="L003", at=at, message=f"'{task.name}' {text}", hint=hint)
            )
        if machine is None or wrong is not None or self._is_foreign(abi):
            return OpenReply(findings)
        found = opened(obj, task.extension, machine, machine.core(abi.ident, abi.attributes))
        self.opened[task.extension.name] = found, machine
        peer = found.peer(imported=task.extension.name in self.shared.providers)
        return OpenReply(findings + found.findings, digest(content), peer, abi)

    def _mismatches(self, name: str, abi: Abi) -> list[Diagnostic]:
        base = self.shared.base_abi
        return [] if base is None else list(abi_findings(name, abi, self.shared.base_name, base))

    def _is_foreign(self, abi: Abi) -> bool:
        # so unlike the base image that looking further would only bring up consequences
        base = self.shared.base_abi
        kinds = [
            (each.ident.machine, each.ident.bits, each.ident.little) for each in (abi, base) if each
        ]
        return len(set(kinds)) > 1

    def resolve(
        self, peers: Mapping[str, Peer], unread: Collection[str]
    ) -> Iterator[dict[str, SizeReply]]:
        """Look every symbol up.

        peers: all extensions that could be opened; unread: names of the others
        """
        replies, every = {}, Peers(peers)
        self.shared.offer.prepare(self._undefined())
        for name, (found, machine) in self.opened.items():
            state = resolved(found, self._context(machine), every, unread)
            for rows in (state.obj.symbols, *state.obj.relocations.values()):
                if isinstance(rows, Rows):
                    rows.forget()  # or those of all extensions would be in memory at once
            self.resolved[name] = state
            replies[name] = SizeReply(state.sizes(), state.findings)
        yield replies

    def _undefined(self) -> set[str]:
        # names that some object doesn't define
        names: set[str] = set()
        for found, _ in self.opened.values():
            columns = symbol_columns(found.obj.symbols)
            rows = zip(columns.names, columns.sections, strict=True)
            names.update([name for name, section in rows if not section])
        return names

    def finish(
        self,
        addresses: Mapping[str, Mapping[Region, int]],
        peer_addresses: Mapping[tuple[str, str], int],
    ) -> Iterator[dict[str, ProductReply]]:
        """Relocate, and make the files of, the extensions that `addresses` names."""
        replies: dict[str, ProductReply] = {}
        for name in list(self.resolved):
            # what is done is forgotten, or the files of all extensions would be in memory at last
            state, (_, machine) = self.resolved.pop(name), self.opened.pop(name)
            if name not in addresses:
                continue
            record, findings = finished(
                state,
                self._context(machine),
                addresses[name],
                lambda provider, symbol: peer_addresses[provider, symbol],
                self.shared.purpose,
            )
            replies[name] = self._made(record, findings)
            if len(replies) == _PART:
                yield replies
                replies = {}
        yield replies

    def _made(self, record: Linked, findings: list[Diagnostic]) -> ProductReply:
        # what has errors is never written, so nothing is made of it
        if has_errors(findings) or _too_large(record):
            return ProductReply(None, findings)
        content = blob(record)
        made = None
        if self.shared.purpose is Purpose.BUILD:
            made = product(
                record,
                content,
                self.shared.memories,
                origin=self.shared.origin,
                aside=self.shared.aside,
            )
        if self.trial is None:
            return ProductReply(made, findings)
        if record.name in self.trial.plan.chained:
            return ProductReply(made, findings, content)
        tried = self.trial.tried(record.name, {record.name: content})
        if made is not None:
            made = with_load(made, tried.load)
        return ProductReply(made, [*findings, *tried.findings])

    def _context(self, machine: Machine) -> Context:
        if machine not in self.contexts:
            self.contexts[machine] = Context(
                base=BaseLookup(
                    self.shared.offer,
                    odd=machine.entry_is_odd,
                    threads=machine.thread_pointer is not None,
                ),
                machine=machine,
                windows=self.shared.windows,
                # on the loader's heap, or where the file lies: text that needs no relocation can
                # stay in the buffer, in flash as well as in memory
                heap=None,
                line=self.shared.line,
            )
        return self.contexts[machine]


def _shared_object(obj: ObjectFile, machine: Machine) -> tuple[str, str]:
    # how a shared object of most machines gets to its data
    first = next(iter(obj.relocations.get(0, ())), None)
    entry = None if first is None else machine.rows.get(first.type)
    named = "" if entry is None else f" (it has {entry.name})"
    text = (
        f"is a shared object{named}: its code counts on the distance to its data, which the "
        f"loader doesn't keep on {machine.name}"
    )
    return text, "link it with 'ld -r' instead of -shared, from objects compiled without -fPIC"


def _too_large(record: Linked) -> bool:
    # whether a region is larger than all addresses, which was reported (L012): no header can say so
    return any(section.size >> record.ident.bits for section in record.sections)


def _unlinkable(obj: ObjectFile, machine: Machine | None) -> tuple[str, str | None] | None:
    # why an object can't be linked, whatever the base image is, and what to do
    if obj.file_type not in {FileType.REL, FileType.DYN}:
        return f"is no relocatable object (its e_type is {obj.file_type})", None
    if machine is not None and obj.file_type == FileType.DYN and not machine.dynamic:
        return _shared_object(obj, machine)
    if machine is None:
        return f"is for e_machine {obj.ident.machine}, which isn't supported", None
    loaded = any(each.flags & SHF_ALLOC and each.size for each in obj.sections)
    if not loaded and any(each.name.startswith(".gnu.lto_") for each in obj.sections):
        return (
            "holds no machine code, only what gcc's link-time optimisation works on",
            "compile it with -ffat-lto-objects, or without -flto",
        )
    return None
