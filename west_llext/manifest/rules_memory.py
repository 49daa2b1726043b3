# SPDX-License-Identifier: Apache-2.0
"""Rules across fields: memories and what is placed in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from west_llext.diagnostics import Diagnostic, Related, Severity, Span
from west_llext.manifest.build import Built
from west_llext.manifest.text import MAX_SUGGESTED, nearest, shown
from west_llext.model.manifest import Memory, Mode, Name
from west_llext.model.region import PLACEABLE, Region

# the access right that a region needs of its memory, in words
_NEEDS = {
    Region.TEXT: ("x", "execute"),
    Region.DATA: ("w", "write"),
    Region.BSS: ("w", "write"),
}


def outside_space(memories: Iterable[Memory], bits: int) -> Iterator[Diagnostic]:
    """Memories that don't fit the address space of a machine with addresses of `bits` bits."""
    for each in memories:
        if each.end > 1 << bits:
            yield Diagnostic(
                code="M042",
                at=each.at,
                message=f"memory '{shown(each.name)}' {_range(each)} ends behind the"
                f" {bits}-bit address space, expected {1 << bits:#x} at most",
            )


def rule_memory_name_is_unique(built: Built) -> Iterator[Diagnostic]:
    """Raw images are named after memories; file systems may not tell 'a' from 'A'."""
    first: dict[str, Memory] = {}
    for each in built.manifest.base.memories:
        other = first.setdefault(each.name.lower(), each)
        if other is not each:
            same = other.name == each.name
            differ = f" and '{shown(other.name)}', the same but for upper and lower case"
            yield Diagnostic(
                code="M046",
                at=each.at,
                message=f"two memories are named '{shown(each.name)}'{'' if same else differ}",
                related=(Related(at=other.at, message="the first one"),),
                hint="rename one of them",
            )


def rule_memories_are_apart(built: Built) -> Iterator[Diagnostic]:
    """Two extensions could get the same bytes."""
    highest: Memory | None = None
    for each in sorted(built.manifest.base.memories, key=lambda memory: memory.address):
        if highest is not None and each.address < highest.end:
            first, second = sorted((highest, each), key=lambda memory: memory.at)
            yield Diagnostic(
                code="M041",
                at=second.at,
                message=f"memory '{shown(second.name)}' {_range(second)} overlaps"
                f" '{shown(first.name)}' {_range(first)}",
                related=(Related(at=first.at, message="the other one"),),
            )
        if highest is None or each.end > highest.end:
            highest = each


def rule_memory_is_in_address_space(built: Built) -> Iterator[Diagnostic]:
    """No target has more than 64 address bits; whether it has 32 is known with its base image."""
    yield from outside_space(built.manifest.base.memories, 64)


def rule_place_names_a_memory(built: Built) -> Iterator[Diagnostic]:
    """`place` refers to `base.memory`."""
    known = built.memories
    if known is None:
        return
    names, unknown = sorted(known), 0
    for region, name in _places(built):
        if name.text not in known:
            unknown += 1
            near = nearest(name.text, names) if unknown <= MAX_SUGGESTED else None
            yield Diagnostic(
                code="M040",
                at=name.at,
                message=f"{region.label} is placed in '{shown(name.text)}',"
                " expected the name of a memory under 'base'",
                hint=f"write '{near}'" if near else None,
            )


def rule_place_can_be_used(built: Built) -> Iterator[Diagnostic]:
    """Code has to be executed, variables have to be written."""
    memories = {each.name: each for each in built.manifest.base.memories}
    for region, name in _places(built):
        memory = memories.get(name.text)
        right, verb = _NEEDS.get(region, ("r", "read"))
        if memory is not None and right not in memory.access:
            yield Diagnostic(
                code="M043",
                at=name.at,
                message=f"{region.label} is placed in '{shown(name.text)}' with access"
                f" '{memory.access}', expected one to {verb} ('{right}')",
                related=(Related(at=memory.at, message="the memory"),),
            )


def rule_prelocated_text_has_a_place(built: Built) -> Iterator[Diagnostic]:
    """Without an address for its code nothing can be linked at fixed addresses."""
    memories = built.manifest.base.memories
    memory = next((memory for memory in memories if "x" in memory.access), None)
    example = shown(memory.name) if memory else "MEMORY"
    for each in built.manifest.extensions:
        if (
            each.mode is Mode.PRELOCATED
            and Region.TEXT not in each.place
            and each.name not in built.doubtful
        ):
            yield Diagnostic(
                code="M044",
                at=each.at,
                message=f"'{shown(each.name)}' is prelocated but has no place for its text",
                hint=f"add 'place: {{text: {example}}}'",
            )


def rule_place_is_for_prelocated(built: Built) -> Iterator[Diagnostic]:
    """Elsewhere the target decides where an extension lies."""
    for each in built.manifest.extensions:
        own = _own_places(built, each.place)
        if own and each.mode is not Mode.PRELOCATED and each.name not in built.doubtful:
            yield Diagnostic(
                code="M045",
                at=min(own),
                message=f"'place' has no effect: '{shown(each.name)}' is {each.mode.value}",
                hint="remove it, or write 'mode: prelocated'",
                severity=Severity.WARNING,
            )


def _own_places(built: Built, place: Mapping[Region, Name]) -> list[Span]:
    # names that come from `defaults` are the very same objects
    default = {id(each) for each in built.default_place.values()}
    return [each.at for each in place.values() if id(each) not in default]


def _places(built: Built) -> Iterator[tuple[Region, Name]]:
    # each name where it is written: defaults once, and no region that only follows another one
    yield from built.default_place.items()
    seen = {id(each) for each in built.default_place.values()}
    for extension in built.manifest.extensions:
        for region in PLACEABLE:
            name = extension.place.get(region)
            if name is not None and id(name) not in seen:
                seen.add(id(name))
                yield region, name


def _range(memory: Memory) -> str:
    return f"[{memory.address:#x}, {memory.end:#x})"


MEMORY_RULES: tuple[Callable[[Built], Iterator[Diagnostic]], ...] = (
    rule_memory_name_is_unique,
    rule_memories_are_apart,
    rule_memory_is_in_address_space,
    rule_place_names_a_memory,
    rule_place_can_be_used,
    rule_prelocated_text_has_a_place,
    rule_place_is_for_prelocated,
)
