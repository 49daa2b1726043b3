# SPDX-License-Identifier: Apache-2.0
"""Branches that may not reach, and the veneers that they go through.

Whether a branch reaches is decided for every address that the extension may get, not for the one
it happens to get: the size of an extension then doesn't depend on where it lies, and moving one
extension never changes another. Every target has one veneer of each form, at the end of .text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import NamedTuple

from west_llext.arch.machine import Core, Machine, Veneer
from west_llext.arch.table import Check, Row
from west_llext.link.arrange import Arrangement
from west_llext.link.codec import Codec
from west_llext.link.targets import Kind, Target
from west_llext.model.elf import ObjectFile
from west_llext.model.manifest import Mode
from west_llext.model.region import Region
from west_llext.model.rows import relocation_columns
from west_llext.record import record

#: Half-open range of addresses.
Window = tuple[int, int]


@record(frozen=True, slots=True)
class Stub:
    """One veneer.

    target: index in the object's symbol table
    addend: bytes behind the target
    offset: of its first byte in .text
    first: section and offset of the first place that needs it
    """

    form: Veneer
    target: int
    addend: int
    offset: int
    first: tuple[int, int]


@record(slots=True)
class Stubs:
    """The veneers of an extension: which, and which branches use them.

    all: in the order of .text
    by_place: by input section, and by index of the relocation there, the stub
    """

    all: list[Stub] = field(default_factory=list)
    by_place: dict[int, dict[int, Stub]] = field(default_factory=dict)


@record(frozen=True, slots=True, kw_only=True)
class Reach:
    """What decides whether a branch gets to its target.

    text: where the extension's .text can be; None for anywhere
    window: where a target can be; None for anywhere
    """

    machine: Machine
    core: Core
    mode: Mode
    text: Window | None
    window: Callable[[Target], Window | None]

    def bounds(self, row: Row, *, changes: bool) -> Window | None:
        """Half-open range of S + A that the branch reaches from wherever it can be.

        changes: whether it changes the instruction set; None for no address at all
        """
        if self.text is None or not (row.loadable or self.mode is Mode.PRELOCATED):
            return None
        low, high = row.range()
        if self.mode is not Mode.PRELOCATED:
            low += 1  # the target's loader refuses the lowest distance
        if changes:
            high -= 4  # BLX of Thumb code counts from a multiple of 4 (DDI 0406C, A8.8.25)
        return low + self.text[1] - row.size, high + self.text[0]

    def stuck(self, row: Row, word: int, target: Target) -> bool:
        """Whether the branch can't end in the instruction set of its target.

        What is left for the target's loader never becomes a BLX.
        """
        if not target.function:
            return False
        if self.mode is Mode.PRELOCATED or target.kind is Kind.OWN:
            return not self.machine.direct(row, word, target.thumb, self.core)
        return self.machine.changes_state(row, target.thumb)


def stubs(
    obj: ObjectFile, arranged: Arrangement, targets: list[Target], reach: Reach, codec: Codec
) -> Stubs:
    """Veneers for every branch that needs one; .text in `arranged` grows by them."""
    found = Stubs()
    output = arranged.outputs.get(Region.TEXT)
    made: dict[tuple[int, int, str], Stub] = {}
    needs = _Needs(targets, reach, codec)
    branches = reach.machine.branches
    for section, rows in obj.relocations.items():
        place = arranged.home[section]
        if output is None or place is None or place[0] is not Region.TEXT:
            continue
        content = obj.content(section)
        for index, relocation in enumerate(zip(*relocation_columns(rows), strict=True)):
            need = needs.form(relocation, content) if relocation[2] in branches else None
            if need is None:
                continue
            form, addend = need
            offset, symbol, _, _ = relocation
            key = symbol, addend, form.name
            if key not in made:
                at = output.add(source=-1, size=len(form.code), align=form.alignment)
                made[key] = Stub(form, symbol, addend, at, (section, offset))
                found.all.append(made[key])
            found.by_place.setdefault(section, {})[index] = made[key]
    return found


# what a branch can go to; a tuple with the most frequent in front, as members hash slowly
_SOMEWHERE = (Kind.ABSOLUTE, Kind.OWN, Kind.NAMED, Kind.PEER)


class _Branch(NamedTuple):
    # What is the same for all branches with the same word, but for where their targets are.
    #
    # addend: bytes behind the target; stuck: as `Reach.stuck` says; bounds: as `Reach.bounds` does
    addend: int
    stuck: bool
    bounds: Window | None


class _Needs:
    # Which branches of an object need a veneer.

    def __init__(self, targets: list[Target], reach: Reach, codec: Codec) -> None:
        self.targets = targets
        self.reach = reach
        self.rows = reach.machine.rows
        self.loads = codec.loads
        # by row, word, explicit addend and target's kind and instruction set: calls all look alike
        self.known: dict[tuple[Row, int, int | None, bool, bool, int], _Branch] = {}

    def form(
        self, relocation: tuple[int, int, int, int | None], content: bytes
    ) -> tuple[Veneer, int] | None:
        # the form that a branch needs, and the bytes behind the target; None for none
        offset, symbol, number, explicit = relocation
        row, target = self.rows[number], self.targets[symbol]
        kind, _, _, thumb, function, _, _ = target
        if not isinstance(row, Row) or kind not in _SOMEWHERE or offset + row.size > len(content):
            return None
        if row.pick is not None:
            picked = row.pick(content, offset)
            if picked is None or picked.branch is None or offset + picked.size > len(content):
                return None
            row = picked
        word = self.loads[row.word.units](content, offset)
        key = row, word, explicit, kind is Kind.OWN, function, thumb
        branch = self.known.get(key)
        if branch is None:
            branch = self.known[key] = self.branch(row, word, explicit, target)
        if not branch.stuck and self.near(row, target, branch):
            return None
        form = self.reach.machine.veneer(row, self.reach.core)
        return None if form is None else (form, branch.addend + self.reach.machine.pc_offset(row))

    def branch(self, row: Row, word: int, explicit: int | None, target: Target) -> _Branch:
        changes = target.function and self.reach.machine.changes_state(row, target.thumb)
        return _Branch(
            addend=row.addend(word) if explicit is None else explicit,
            stuck=self.reach.stuck(row, word, target),
            bounds=self.reach.bounds(row, changes=changes),
        )

    def near(self, row: Row, target: Target, branch: _Branch) -> bool:
        # whether every permitted address of the target is in reach; what is in the same region is
        if target[0] is Kind.OWN or row.check is Check.WRAP:
            return True
        addend, _, bounds = branch
        there = self.reach.window(target)
        if bounds is None or there is None:
            # code that counts 32 bits was compiled for a target within 2 GiB
            return row.range()[1] > 1 << 30
        return bounds[0] <= there[0] + addend and there[1] - 1 + addend < bounds[1]
