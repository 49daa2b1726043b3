# SPDX-License-Identifier: Apache-2.0
"""Why the base image doesn't offer a symbol, and which of its names look alike."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice

from west_llext.base.names import NodePath, about
from west_llext.model.base import BaseImage, Offer, Reason, Why
from west_llext.model.cname import c_name
from west_llext.model.manifest import Condition, ExportGroup

#: Whether a condition of an export group holds in the base image's configuration.
Holds = Callable[[Condition], bool]

#: Names to suggest, and how alike they must be (1.0 is equal).
MAX_NEAREST = 3
CUTOFF = 0.75
#: Longest name that others are compared with, in characters: it costs the square of that.
MAX_COMPARABLE = 128
# names that are compared letter by letter
_MAX_COMPARED = 60
_LETTERS = "abcdefghijklmnopqrstuvwxyz_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def no_nodes(ordinal: int) -> None:
    """A base image whose devicetree isn't known."""
    del ordinal


def offer(
    image: BaseImage | None,
    groups: Sequence[ExportGroup],
    holds: Holds,
    node: NodePath = no_nodes,
    own: Collection[str] = frozenset(),
) -> Offer:
    """What extensions can use of a base image, and an explanation of what they can't.

    node: path of a devicetree node by its ordinal
    own: names that an image which isn't there yet is going to export beside those of the groups

    The target looks names up in the image's table; where no table was found, or there is no image,
    the manifest's groups stand for it.
    """
    declared = {each.text for group in groups if _counts(group, holds) for each in group.symbols}
    declared |= set(own)
    table = None if image is None else image.exports
    exported = frozenset(declared if table is None else table)
    return Offer(
        image=image,
        exported=exported,
        why=why_missing(image, groups, holds, node),
        briefly=why_missing(image, groups, holds, node, similar=_none),
    )


def _none(name: str, *pools: Collection[str]) -> tuple[str, ...]:
    del name, pools
    return ()


def why_missing(
    image: BaseImage | None,
    groups: Sequence[ExportGroup],
    holds: Holds,
    node: NodePath = no_nodes,
    *,
    similar: Callable[..., tuple[str, ...]] | None = None,
) -> Callable[[str], Why]:
    """A function that explains names which the base image doesn't offer.

    similar: finds names that look alike; None for `nearest`
    """
    look = nearest if similar is None else similar
    declared: dict[str, list[ExportGroup]] = {}
    for group in groups:
        for each in group.symbols:
            declared.setdefault(each.text, []).append(group)
    on = {each.text for group in groups if _counts(group, holds) for each in group.symbols}

    @lru_cache(maxsize=4096)
    def why(name: str) -> Why:
        origin, words = about(name, node)
        return replace(reason(name), origin=origin, about=words)

    def reason(name: str) -> Why:
        if name in declared and name not in on:
            group = declared[name][0]
            return Why(
                reason=Reason.SWITCHED_OFF,
                group=group.group,
                when=group.when.text if group.when else None,
                at=group.when.at if group.when else group.at,
            )
        if name in on:
            return Why(reason=Reason.NOT_BUILT_IN)
        if image is not None and name in image.symbols:
            return Why(reason=Reason.NOT_EXPORTED)
        if image is not None and name in image.hidden:
            return Why(reason=Reason.HIDDEN)
        if image is not None and name in image.local:
            return Why(reason=Reason.STATIC)
        pools = tuple(_pools(image, on))
        return Why(reason=Reason.ABSENT, nearest=_of_c(name, pools) or look(name, *pools))

    return why


def _of_c(name: str, pools: Iterable[Collection[str]]) -> tuple[str, ...]:
    # the function that C++ has declared without `extern "C"`
    in_c = c_name(name)
    return (in_c,) if in_c is not None and any(in_c in pool for pool in pools) else ()


def _counts(group: ExportGroup, holds: Holds) -> bool:
    return group.when is None or holds(group.when)


def _pools(image: BaseImage | None, declared: Collection[str]) -> Iterator[Collection[str]]:
    # where to look for similar names: first those that can be had as they are
    if image is None:
        yield declared
        return
    yield declared if image.exports is None else image.exports
    yield image.symbols


def nearest(name: str, *pools: Collection[str]) -> tuple[str, ...]:
    """Up to three names of the pools that look like `name`, the best first.

    Of two that are alike, that of an earlier pool is better. Pools may have 200,000 names. Names
    that nobody types have none.
    """
    if len(name) > MAX_COMPARABLE:
        return ()
    edits = list(dict.fromkeys(_edits(name))) if len(name) > 2 else []
    slips = [each for pool in pools for each in edits if each in pool and each != name]
    if slips:
        return tuple(dict.fromkeys(slips))[:MAX_NEAREST]
    similar = dict.fromkeys(each for pool in pools for each in _similar(name, pool))
    from difflib import SequenceMatcher  # noqa: PLC0415  # only where something is wrong

    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(name)
    scored = []
    for rank, each in enumerate(similar):
        matcher.set_seq1(each)
        if matcher.quick_ratio() >= CUTOFF and (ratio := matcher.ratio()) >= CUTOFF:
            scored.append((-ratio, rank, each))
    return tuple(each for _, _, each in sorted(scored)[:MAX_NEAREST] if each != name)


def _similar(name: str, pool: Collection[str]) -> list[str]:
    # what is misspelt in one place begins or ends as it should
    third = max(len(name) // 3, 2)
    head, tail = name[:third], name[-third:]
    low, high = len(name) * 3 // 4, len(name) * 4 // 3
    found = [each for each in pool if each.endswith(tail) and each.startswith(head)]
    if not found:
        some = (each for each in pool if each.endswith(tail) or each.startswith(head))
        found = list(islice(some, 10 * _MAX_COMPARED))
    return [each for each in found if low <= len(each) <= high][:_MAX_COMPARED]


def _edits(name: str) -> Iterator[str]:
    for at in range(len(name) + 1):
        before, after = name[:at], name[at:]
        if after:
            yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        for letter in _LETTERS:
            yield before + letter + after
            if after:
                yield before + letter + after[1:]
