# SPDX-License-Identifier: Apache-2.0
"""Relocations that are left for the target's loader.

They refer to symbols of the blob, and are of a type that the loader of the base's release applies;
where that takes addends from the place, they are put there.
"""

from __future__ import annotations

from west_llext.arch.formula import Space, evaluate
from west_llext.arch.machine import Machine
from west_llext.arch.table import RangeError, Row, Via
from west_llext.link.complaints import Complaints
from west_llext.link.job import Job, Relocated
from west_llext.link.places import Use
from west_llext.link.targets import REPORTED, Kind, Target
from west_llext.model.elf import Relocation


def same_state(machine: Machine, row: Row) -> int:
    """The Thumb bit that keeps the state of a branch, for targets of an unknown one."""
    return int(not machine.changes_state(row, 1))


class Left:
    """What is left of one extension; it goes into the result."""

    def __init__(self, job: Job, result: Relocated, complaints: Complaints) -> None:
        """`result` counts what is left as applied until it is kept here."""
        self.job = job
        self.codec = job.codec
        self.result = result
        self.complaints = complaints

    def keep(self, use: Use, content: bytearray) -> None:
        """Leave one, or complain; `content` is of the region of its place."""
        self.result.applied[use.row.number] -= 1
        target = self.job.targets[use.symbol]
        if self.is_refused(use, target):
            return
        explicit_addends = self.job.machine.explicit_addends
        symbol, addend = self.result.symbols.reference(
            target, use.addend, use.row, explicit=explicit_addends and not use.row.bare
        )
        if use.row.bare and addend:
            self.complaints.unloadable(use, target, None)
            return
        number = use.row.number if use.row.left_as is None else use.row.left_as
        explicit: int | None = addend
        if not explicit_addends or number in self.job.machine.partial:
            try:
                word = use.row.with_addend(self.stateless(use), addend)
            except RangeError as err:
                self.complaints.addend(use, target, err)
                return
            self.codec.dump(use.row.word, content, use.here, word)
            explicit = 0 if explicit_addends else None
        elif self.filled(use):
            self.codec.dump(use.row.word, content, use.here, 0)  # what the loader leaves alone
        row = Relocation(use.here, symbol, number, explicit)
        self.result.left.setdefault(use.region, []).append(row)

    def is_refused(self, use: Use, target: Target) -> bool:
        # whether there is nothing that the loader could do, which is said
        known_since = self.job.machine.came_with(use.row.number, self.job.release)
        if target.kind is Kind.UNLOADED:
            self.complaints.unloaded(use, target)
        elif target.kind in REPORTED:
            pass
        elif (target.kind is Kind.THREAD) is not (use.row.space is Space.THREAD):
            self.complaints.thread(use, target)
        elif not use.row.loadable or known_since is not None:
            self.complaints.unloadable(use, target, known_since)
        else:
            return self.is_beyond(use, target)
        return True

    def is_beyond(self, use: Use, target: Target) -> bool:
        # whether an address is known to be none that the loader could put there, which is said
        row, where = use.row, target.value if target.kind is Kind.NAMED else 0
        if row.space is not Space.ABSOLUTE or row.via is not Via.DIRECT:
            return False
        filled = self.filled(use)
        if filled and (where >> filled or (not where and self.job.beyond(filled))):
            self.complaints.unfilled(use, target, filled)
            return True
        if not where:
            return False
        value = evaluate(row.formula, S=where, A=use.addend, P=0, T=target.thumb)
        try:
            row.encode(use.word, value)
        except RangeError as err:
            self.complaints.range(use, target, err)
            return True
        return False

    def filled(self, use: Use) -> int:
        # low bits that the loader fills in; 0 for all
        number = use.row.number if use.row.left_as is None else use.row.left_as
        row = self.job.machine.rows[number]
        return row.filled if isinstance(row, Row) else 0

    def stateless(self, use: Use) -> int:
        # what the assembler wrote as a change of the instruction set (BLX) and is none: the
        # target's loader would leave it so
        if use.row.branch is None:
            return use.word
        T = same_state(self.job.machine, use.row)
        return self.job.machine.branch(use.row, use.word, 0, 0, 0, T)
