# SPDX-License-Identifier: Apache-2.0
"""Every symbol that an extension needs, looked up where it may come from.

The order is the target's: the extension itself, the base image, then the extensions named in
`imports-from`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain, islice
from operator import itemgetter
from typing import NamedTuple

from west_llext.link.arrange import Arrangement
from west_llext.link.lookup import BaseLookup
from west_llext.link.missing import MAX_NAMED, Miss
from west_llext.link.targets import Kind, Target, is_weak
from west_llext.model.elf import STB_WEAK, ObjectFile, Symbol
from west_llext.model.importers import reached, users
from west_llext.model.link import Import
from west_llext.model.manifest import Extension, Mode
from west_llext.model.region import Region
from west_llext.model.rows import relocation_columns, symbol_columns
from west_llext.record import record

# a named tuple made in one step, in half the time
_import: Callable[[tuple[str, str | None, int | None, bool, int]], Import]
_import = partial(tuple.__new__, Import)


class Offered(NamedTuple):
    """An export as importers see it.

    region: where it is; None for a symbol with an address of its own
    value: byte offset in the region, or the address; without the Thumb bit
    """

    region: Region | None
    value: int
    thumb: int
    function: bool


@record(frozen=True, slots=True, kw_only=True)
class Peer:
    """An extension that others may import from.

    memory: name of the memory that its .text goes to; None where the target decides
    private: names of global symbols that it defines without exporting them, for messages; empty
        where nobody imports from it
    imports_from: names of extensions, for messages
    """

    name: str
    mode: Mode
    memory: str | None
    exports: Mapping[str, Offered]
    private: frozenset[str] = frozenset()
    imports_from: tuple[str, ...] = ()


class Peers(dict[str, Peer]):
    """Every extension of a build, by name, with what messages ask of all of them.

    That is found out once, however many extensions miss something.
    """

    @cached_property
    def exporters(self) -> Mapping[str, Sequence[str]]:
        """By name of a symbol, those that export it, sorted."""
        found: dict[str, list[str]] = {}
        for name in sorted(self):
            for symbol in self[name].exports:
                found.setdefault(symbol, []).append(name)
        return found

    @cached_property
    def _users(self) -> Mapping[str, Sequence[str]]:
        return users((each.name, each.imports_from) for each in self.values())

    def importers(self, name: str) -> set[str]:
        """The extensions that need that one to be loaded before them, and itself."""
        return reached([name], lambda each: self._users.get(each, ()))


@record(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What one extension's symbols stand for.

    targets: by index in the object's symbol table
    used: indices of the symbols that it needs from elsewhere: that it doesn't define, and that its
        loaded sections refer to
    references: how often they do, for each of `used`
    provided: (name, extension) of what comes from other extensions
    misses: what comes from nowhere, in order of the symbol table
    thread_local: names of thread-local variables of the base image that it wants
    unused: names in `imports-from` that nothing is imported from
    doubtful: (name, extensions) of imports that several of `imports-from` export; the first of
        them is the provider
    """

    targets: list[Target]
    used: list[int]
    references: list[int]
    provided: tuple[tuple[str, str], ...]
    misses: tuple[Miss, ...]
    thread_local: tuple[str, ...]
    unused: tuple[str, ...]
    doubtful: tuple[tuple[str, tuple[str, ...]], ...] = ()


def resolution(
    obj: ObjectFile,
    arranged: Arrangement,
    extension: Extension,
    own: list[Target | None],
    *,
    base: BaseLookup,
    peers: Peers,
    refused: Container[int] = frozenset(),
) -> Resolution:
    """The target of every symbol of an object.

    own: those of the symbols that it defines (`targets.own_targets`)
    refused: relocation types that are errors of their own, whatever they refer to
    """
    counts = references(obj, arranged)
    names = symbol_columns(obj.symbols).names
    used = [
        index
        for index, (target, name) in enumerate(zip(own, names, strict=True))
        if target is None and name and index in counts
    ]
    known = base.known(extension.mode)
    found = [
        known[names[index]] or _from_peer(obj.symbols[index], extension, peers) for index in used
    ]
    every, absolute = own.copy(), Kind.ABSOLUTE
    provided: list[tuple[str, str]] = []
    missing: list[tuple[int, Symbol]] = []
    thread_local: list[str] = []
    for index, target in zip(used, found, strict=True):
        every[index] = target
        if target[0] is absolute:
            continue  # in the base image, as most are
        kind, provider = target[0], target[6]
        if kind is Kind.MISSING:
            missing.append((index, obj.symbols[index]))
        elif kind is Kind.TLS:
            thread_local.append(target[1])
        elif provider is not None:
            provided.append((target[1], provider))
    misses: tuple[Miss, ...] = ()
    if missing:
        misses = _misses(extension, missing, peers, _places(obj, arranged, refused))
    doubtful = tuple(_doubtful(provided, extension, peers))
    providers: set[str | None] = {provider for _, provider in provided}
    providers.update(name for each in misses for name in (each.unplaced, each.private))
    providers.update(name for _, offering in doubtful for name in offering)
    return Resolution(
        targets=[
            Target(Kind.ZERO, name) if target is None else target
            for target, name in zip(every, names, strict=True)
        ],
        used=used,
        references=[counts[index] for index in used],
        provided=tuple(provided),
        misses=misses,
        thread_local=tuple(thread_local),
        unused=tuple(name.text for name in extension.imports_from if name.text not in providers),
        doubtful=doubtful,
    )


def imports(obj: ObjectFile, found: Resolution) -> tuple[Import, ...]:
    """What comes from outside, the base first, then by provider and name."""
    infos, targets = symbol_columns(obj.symbols).infos, found.targets
    absolute, thread, missing, reported = Kind.ABSOLUTE, Kind.THREAD, Kind.MISSING, Kind.TLS
    rows = [
        (
            name,
            provider,
            value | thumb if kind is absolute or kind is thread else None,
            info >> 4 == STB_WEAK,
            count,
        )
        for (kind, name, value, thumb, _, _, provider), info, count in zip(
            map(targets.__getitem__, found.used),
            map(infos.__getitem__, found.used),
            found.references,
            strict=True,
        )
        if kind is not missing and kind is not reported
    ]
    if not found.provided:
        return tuple(map(_import, sorted(rows)))
    made = [*map(_import, rows)]
    from_peers = [each for each in made if each.provider is not None]
    from_peers.sort(key=lambda each: (each.provider or "", each.name))
    return (*sorted([each for each in made if each.provider is None]), *from_peers)


def references(obj: ObjectFile, arranged: Arrangement) -> Counter[int]:
    """How often the loaded sections refer to a symbol, by its index."""
    loaded = [rows for section, rows in obj.relocations.items() if arranged.home[section]]
    return Counter(chain.from_iterable([relocation_columns(rows).symbols for rows in loaded]))


def _from_peer(symbol: Symbol, extension: Extension, peers: Mapping[str, Peer]) -> Target:
    name = symbol.name
    peer = next(_offering(name, extension, peers), None)
    if peer is None:
        return Target(Kind.ZERO if is_weak(symbol) else Kind.MISSING, name)
    kind = Kind.PEER if extension.mode is Mode.PRELOCATED else Kind.NAMED
    _, _, thumb, function = peer.exports[name]
    return Target(kind, name, thumb=thumb, function=function, provider=peer.name)


def _offering(name: str, extension: Extension, peers: Mapping[str, Peer]) -> Iterator[Peer]:
    # those of `imports-from` that an extension can have a symbol from
    for provider in extension.imports_from:
        peer = peers.get(provider.text)
        if peer is None or name not in peer.exports:
            continue
        if extension.mode is not Mode.PRELOCATED or peer.mode is Mode.PRELOCATED:
            yield peer


def _doubtful(
    provided: Sequence[tuple[str, str]], extension: Extension, peers: Mapping[str, Peer]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    if len(extension.imports_from) < 2:
        return
    for name, _ in sorted(provided, key=itemgetter(1, 0)):
        offering = tuple(peer.name for peer in _offering(name, extension, peers))
        if len(offering) > 1:
            yield name, offering


#: First place that uses a symbol (section, offset), and how many do, by the symbol's index.
_Places = dict[int, tuple[int, int, int]]


def _places(obj: ObjectFile, arranged: Arrangement, refused: Container[int]) -> _Places:
    places: _Places = {}
    for section, rows in obj.relocations.items():
        if arranged.home[section] is None:
            continue
        for row in rows:
            if row.type not in refused:
                first = places.get(row.symbol, (section, row.offset, 0))
                places[row.symbol] = first[0], first[1], first[2] + 1
    return places


def _misses(
    extension: Extension,
    missing: list[tuple[int, Symbol]],
    peers: Peers,
    places: _Places,
) -> tuple[Miss, ...]:
    listed = [peers[each.text] for each in extension.imports_from if each.text in peers]
    away = _Elsewhere(extension, peers)
    found = []
    for index, symbol in missing:
        if index not in places:
            continue
        name = symbol.name
        section, offset, count = places[index]
        elsewhere, circular = away.exporting(name)
        found.append(
            Miss(
                name=name,
                section=section,
                offset=offset,
                count=count,
                elsewhere=elsewhere,
                circular=circular,
                unplaced=next((peer.name for peer in listed if name in peer.exports), None),
                private=next((peer.name for peer in listed if name in peer.private), None),
            )
        )
    return tuple(found)


class _Elsewhere:
    # The extensions that one doesn't import from.

    def __init__(self, extension: Extension, peers: Peers) -> None:
        self.name = extension.name
        self.peers = peers
        self.known = {self.name, *(each.text for each in extension.imports_from)}

    @cached_property
    def importers(self) -> set[str]:
        return self.peers.importers(self.name)

    def exporting(self, symbol: str) -> tuple[tuple[str, ...], str | None]:
        # the first of them that export a symbol, without those that need this extension to be
        # loaded before them; where there are no others, one of these
        names = self.peers.exporters.get(symbol, ())
        elsewhere = (name for name in names if name not in self.known)
        first = next(elsewhere, None)
        if first is None:
            return (), None
        free = (name for name in chain((first,), elsewhere) if name not in self.importers)
        found = tuple(islice(free, MAX_NAMED + 1))
        return found, None if found else first
