# SPDX-License-Identifier: Apache-2.0
"""The link of all extensions of a build: in steps, in as many processes as are worth it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from west_llext.app.products import Product, with_load
from west_llext.app.session import OpenReply, ProductReply, SizeReply, Surroundings, Task
from west_llext.app.trial import Plan, Trial, Tried
from west_llext.app.workers import Crew, workers
from west_llext.base.abi import abi_findings
from west_llext.diagnostics import Diagnostic
from west_llext.link.place import Earlier, Need, Placement, placement
from west_llext.link.resolve import Peer
from west_llext.model.manifest import Memory, Mode
from west_llext.model.region import Region
from west_llext.record import record


@record(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it.

    products: of every extension without errors, in the order of the manifest; none for a check
    findings: errors and warnings, by extension in that order
    digests: SHA-256 (hexadecimal) of the objects that were read
    """

    products: tuple[Product, ...]
    placement: Placement
    findings: tuple[Diagnostic, ...]
    digests: Mapping[Path, str]


def link_all(
    tasks: Sequence[Task],
    shared: Surroundings,
    memories: Sequence[Memory],
    *,
    occupied: Sequence[tuple[int, int]],
    earlier: Earlier,
    jobs: int,
) -> Outcome:
    """Link every task; whatever is wrong with one doesn't keep the others from being looked at."""
    with workers(shared, tasks, jobs) as crew:
        first = _by_name(tasks, crew.ask("open"))
        peers = {name: reply.peer for name, reply in first.items() if reply.peer is not None}
        unread = frozenset(first.keys() - peers.keys())
        second: dict[str, SizeReply] = _merged(crew.ask("resolve", peers, unread))
        placed = placement(_needs(tasks, second), memories, occupied=occupied, earlier=earlier)
        third = _finished(crew, tasks, peers, second, placed)
    tried = _tried(third, shared.plan)
    findings = [*_strangers(tasks, first, shared), *placed.findings]
    for task in tasks:
        name = task.extension.name
        for reply in (first.get(name), second.get(name), third.get(name)):
            findings += reply.findings if reply is not None else ()
        findings += tried[name].findings if name in tried else ()
    return Outcome(
        products=tuple(_products(tasks, third, tried)),
        placement=placed,
        findings=tuple(findings),
        digests={
            task.path: digest for task in tasks if (digest := first[task.extension.name].digest)
        },
    )


def _products(
    tasks: Sequence[Task], replies: Mapping[str, ProductReply], tried: Mapping[str, Tried]
) -> Iterator[Product]:
    for name in (task.extension.name for task in tasks):
        product = replies[name].product if name in replies else None
        if product is not None:
            yield with_load(product, tried[name].load) if name in tried else product


def _by_name(tasks: Sequence[Task], replies: list[list[OpenReply]]) -> dict[str, OpenReply]:
    flat = [reply for part in replies for reply in part]
    return {task.extension.name: reply for task, reply in zip(tasks, flat, strict=True)}


def _merged(replies: list[dict[str, SizeReply]]) -> dict[str, SizeReply]:
    return {name: reply for part in replies for name, reply in part.items()}


def _needs(tasks: Sequence[Task], sizes: Mapping[str, SizeReply]) -> list[Need]:
    return [
        Need(extension=task.extension, regions=sizes[task.extension.name].sizes)
        for task in tasks
        if task.extension.mode is Mode.PRELOCATED and task.extension.name in sizes
    ]


def _finished(
    crew: Crew,
    tasks: Sequence[Task],
    peers: Mapping[str, Peer],
    sizes: Mapping[str, SizeReply],
    placed: Placement,
) -> dict[str, ProductReply]:
    addresses = _addresses(tasks, sizes, placed)
    # where a provider couldn't be placed, which is reported, only consequences could be found
    unplaced = {
        name
        for name, peer in peers.items()
        if peer.mode is Mode.PRELOCATED and name not in addresses
    }
    ready = {
        each.name: addresses[each.name]
        for each, _, _ in tasks
        if each.name in addresses
        and (
            each.mode is not Mode.PRELOCATED
            or unplaced.isdisjoint(provider.text for provider in each.imports_from)
        )
    }
    replies = crew.ask("finish", ready, _peer_addresses(peers, addresses))
    return {name: reply for part in replies for name, reply in part.items()}


def _addresses(
    tasks: Sequence[Task], sizes: Mapping[str, SizeReply], placed: Placement
) -> dict[str, Mapping[Region, int]]:
    # of each region, for the extensions that have all the addresses that they need
    found: dict[str, Mapping[Region, int]] = {}
    located = placed.by_extension()
    for each, _, _ in tasks:
        if each.name not in sizes:
            continue
        if each.mode is not Mode.PRELOCATED:
            found[each.name] = {}
            continue
        own = located.get(each.name, {})  # none where there is nothing to place
        if own.keys() == sizes[each.name].sizes.keys():
            found[each.name] = own
    return found


def _peer_addresses(
    peers: Mapping[str, Peer], addresses: Mapping[str, Mapping[Region, int]]
) -> dict[tuple[str, str], int]:
    # of every export of a prelocated extension, with the Thumb bit
    found = {}
    for name, peer in peers.items():
        if peer.mode is not Mode.PRELOCATED or name not in addresses:
            continue
        for export, offered in peer.exports.items():
            start = 0 if offered.region is None else addresses[name].get(offered.region, 0)
            found[name, export] = start + offered.value | offered.thumb
    return found


def _tried(replies: Mapping[str, ProductReply], plan: Plan | None) -> dict[str, Tried]:
    # what sessions leave over: extensions that are loaded behind others
    blobs = {name: reply.blob for name, reply in replies.items() if reply.blob is not None}
    if plan is None or not blobs:
        return {}
    trial = Trial(plan)
    return {name: trial.tried(name, blobs) for name in plan.order(blobs) if name in blobs}


def _strangers(
    tasks: Sequence[Task], replies: Mapping[str, OpenReply], shared: Surroundings
) -> list[Diagnostic]:
    # Without a base image the first object says what the others have to suit.
    if shared.base_abi is not None:
        return []
    known = [
        (task.name, abi) for task in tasks if (abi := replies[task.extension.name].abi) is not None
    ]
    findings: list[Diagnostic] = []
    for name, abi in known[1:]:
        findings += map(_of_objects, abi_findings(name, abi, *known[0]))
    return findings


def _of_objects(finding: Diagnostic) -> Diagnostic:
    return replace(
        finding,
        message=finding.message.replace("base image", "object"),
        hint=finding.hint and finding.hint.replace("base image", "object"),
    )
