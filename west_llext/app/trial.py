# SPDX-License-Identifier: Apache-2.0
"""Every blob of a build, loaded into a model of the target.

What the base image doesn't tell is assumed so that nothing is refused for it: without a known heap
there is enough of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, NamedTuple

from west_llext.app.load_cost import load_entry
from west_llext.app.load_settings import (
    Offered,
    Settings,
    has_heap,
    knows,
    storage_of,
    target_of,
)
from west_llext.app.verdicts import doubts, failed, refused
from west_llext.diagnostics import Diagnostic, Severity, UsageError
from west_llext.loader.danger import Danger
from west_llext.loader.errnos import Errno
from west_llext.loader.extension import Llext, LoadParameters
from west_llext.loader.storage import BufferLoader, Storage
from west_llext.loader.system import Loaded, System
from west_llext.loader.target import Machine, Target
from west_llext.loader.versions import GUESSED
from west_llext.manifest.kconfig import holds
from west_llext.model.base import BaseImage
from west_llext.model.importers import reached
from west_llext.model.manifest import Extension, Manifest, Mode
from west_llext.record import record

#: Bytes of a heap that isn't known.
ENOUGH = 4 << 20
#: Extensions that are loaded before another one is: nobody has so many, and those of one extension
#: may have to make room for those of the next.
MAX_BEFORE = 100
#: Where the file of an extension begins.
_PAGE = 4096
# as docs/modes.md tells users to load them
_FIXED = LoadParameters(relocate_local=False, pre_located=True)
_FREE = LoadParameters()
# how hints name what makes blobs
_TOOL = "west llext build"


@record(frozen=True, slots=True, kw_only=True)
class Plan:
    """What blobs are tried on.

    storage: where blobs that aren't prelocated lie
    heap_known: whether the target's heap is as large as that of the model
    chained: extensions that import from others, and those that they import from, and so on
    extensions: of the manifest, by name
    files: address of the first blob
    """

    target: Target
    storage: Storage
    heap_known: bool
    chained: frozenset[str]
    extensions: Mapping[str, Extension] = field(repr=False)
    files: int

    def order(self, names: Iterable[str]) -> list[str]:
        """Extensions, each behind all that it imports from, and that those import from."""
        found: dict[str, None] = {}
        for name in names:
            path = {} if name in found else {name: self._providers(name)}
            while path:
                last = next(reversed(path))
                for provider in path[last]:
                    if provider not in found and provider not in path:
                        path[provider] = self._providers(provider)
                        break
                else:
                    del path[last]
                    found[last] = None
        return [*found]

    def is_tried(self, name: str) -> bool:
        """Whether an extension needs few enough others to be loaded before it."""
        return len(reached([name], self._providers, MAX_BEFORE + 1)) <= MAX_BEFORE + 1

    def _providers(self, name: str) -> Iterator[str]:
        return iter([each.text for each in self.extensions[name].imports_from])


def plan(manifest: Manifest, base: BaseImage | None) -> Plan | None:
    """What to try the blobs of a build on; None where too little is known of the target."""
    if base is None or not knows(base.abi.ident):
        return None
    extensions = {each.name: each for each in manifest.extensions}
    chained = {each.name for each in extensions.values() if each.imports_from}
    chained |= {name.text for each in extensions.values() for name in each.imports_from}
    # nobody asks for names in bound blobs that import nothing
    asked = chained or any(each.mode is Mode.RELOCATABLE for each in extensions.values())
    offered = Offered(symbols=_exports(manifest, base) if asked else {}, image=base)
    heap_known = has_heap(base)
    settings = Settings() if heap_known else Settings(heap_size=ENOUGH)
    try:
        target, _ = target_of(settings, offered, None)
    except UsageError:
        return None  # a setting of the base image is beyond what can be modelled
    if target.version in GUESSED:
        return None
    return Plan(
        target=target,
        storage=only_storage(target) or storage_of(settings, offered),
        heap_known=heap_known,
        chained=frozenset(chained),
        extensions=extensions,
        files=_behind(target),
    )


def only_storage(target: Target) -> Storage | None:
    """The only kind of storage that makes sense on a target; None where others do.

    Before 4.5, Xtensa's loader passes over relocations of any other file.
    """
    only_writable = target.machine is Machine.XTENSA and not target.rules.plt_errors
    return Storage.WRITABLE if only_writable else None


def _exports(manifest: Manifest, base: BaseImage) -> Mapping[str, int]:
    # without a table in the image, what the manifest puts into one
    if base.exports is not None:
        return base.exports
    found = {}
    for group in manifest.base.exports:
        if group.when is None or holds(group.when, base.config):
            for name in group.symbols:
                symbol = base.symbols.get(name.text)
                if symbol is not None:
                    found[name.text] = symbol.value
    return found


class Tried(NamedTuple):
    """What came of the load of an extension.

    load: what it costs, for `llext-build.json`; None for one that failed, or wasn't tried
    """

    findings: list[Diagnostic]
    load: dict[str, Any] | None = None


class _Kept(NamedTuple):
    # An extension that is loaded; its file ends at `end`.
    name: str
    ext: Llext
    start: int
    end: int


class Trial:
    """A target that blobs are loaded into, one or a chain of them at a time."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.system = System(plan.target)
        self.stack: list[_Kept] = []

    def tried(self, name: str, blobs: Mapping[str, bytes]) -> Tried:
        """What comes of the load of an extension, behind those that it imports from.

        blobs: contents by name; where one that is needed is missing nothing can be said, nor where
            more than MAX_BEFORE are needed
        """
        order = self._order(name)
        if (
            not order
            or any(each not in blobs for each in order)
            or not self._ready(order[:-1], blobs)
        ):
            return Tried([])
        at = self.plan.extensions[name].at
        try:
            loaded = self._push(name, blobs[name])
        except Danger as danger:
            return Tried([_linked(refused(name, at, danger))])
        if loaded.result >= 0:
            mode = self.plan.extensions[name].mode
            return Tried(doubts(name, at, loaded), load_entry(self.system, loaded, mode))
        if loaded.result != -Errno.ENOMEM:
            return Tried([_linked(failed(name, at, loaded))])
        if not self.plan.heap_known:
            return Tried([])
        # there may be enough of it where the application keeps files in memory
        other = Trial(replace(self.plan, storage=Storage.WRITABLE))
        fits = self.plan.storage is not Storage.WRITABLE and not other.tried(name, blobs).findings
        return Tried([failed(name, at, loaded, Severity.WARNING if fits else Severity.ERROR)])

    def _order(self, name: str) -> list[str]:
        # an extension behind those that it needs; empty where these are too many
        if not self.plan.extensions[name].imports_from:
            return [name]
        return self.plan.order([name]) if self.plan.is_tried(name) else []

    def _ready(self, order: Sequence[str], blobs: Mapping[str, bytes]) -> bool:
        # Whether exactly these could be loaded, in this order; what is there already stays.
        while [each.name for each in self.stack] != [*order[: len(self.stack)]]:
            self._pop()
        try:
            return all(
                self._push(name, blobs[name]).result >= 0 for name in order[len(self.stack) :]
            )
        except Danger:
            return False

    def _push(self, name: str, data: bytes) -> Loaded:
        fixed = self.plan.extensions[name].mode is Mode.PRELOCATED
        start = self.stack[-1].end if self.stack else self.plan.files
        loader = BufferLoader(
            memory=self.system.memory,
            address=start,
            data=data,
            storage=Storage.WRITABLE if fixed else self.plan.storage,
            bits=self.plan.target.bits,
            bounded=self.plan.target.rules.bounded_peek,
        )
        try:
            loaded = self.system.load(loader, name, _FIXED if fixed else _FREE)
        except Danger:
            # it has stopped in the middle
            self.system = System(self.plan.target)
            self.stack = []
            raise
        if loaded.ext is None:
            self.system.memory.remove(start)
        else:
            self.stack.append(_Kept(name, loaded.ext, start, start + _paged(len(data))))
        return loaded

    def _pop(self) -> None:
        last = self.stack.pop()
        self.system.unload(last.ext)
        self.system.memory.remove(last.start)


def _linked(finding: Diagnostic) -> Diagnostic:
    # without the advice to do what has just been done
    again = finding.hint is not None and _TOOL in finding.hint
    return replace(finding, hint=None) if again else finding


def _paged(size: int) -> int:
    # with a byte to spare, so that files never touch
    return -(-(size + 1) // _PAGE) * _PAGE


def _behind(target: Target) -> int:
    plan = target.heap
    ends = [plan.address + plan.size]
    ends += [sum(each) for each in (plan.data, plan.code) if each is not None]
    return -(-max(ends) // _PAGE) * _PAGE
