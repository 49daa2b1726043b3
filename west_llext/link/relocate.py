# SPDX-License-Identifier: Apache-2.0
"""Relocations: applied where the host knows enough, rewritten for the target where it doesn't.

What the host knows is a matter of spaces (`spaces`). In prelocated mode there is just one, so
everything is applied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter

from west_llext.arch.formula import Space, evaluate
from west_llext.arch.table import Ignore, RangeError, Refuse, Row, Via
from west_llext.link.complaints import Complaints
from west_llext.link.job import Job, Relocated, contents
from west_llext.link.left import Left, same_state
from west_llext.link.pairs import HighParts, joined, open_spaces, put_sum
from west_llext.link.places import Use
from west_llext.link.ready import pointers, straights
from west_llext.link.spaces import ABSOLUTE_SPACE, bases, known, located, required
from west_llext.link.symbols import SymbolTable
from west_llext.link.targets import REPORTED, Kind
from west_llext.link.veneers import Stub
from west_llext.model.elf import Relocation
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

_NUMBER = itemgetter(2)

# a named tuple made in one step, in half the time
_use: Callable[[tuple[Row, int, int, Region, int, int, int, int]], Use]
_use = partial(tuple.__new__, Use)


def relocated(job: Job) -> Relocated:
    """Every loaded section of the object, relocated."""
    return _Relocator(job).run()


class _Relocator:
    # One extension's relocations; a class because every step needs the same dozen tables.

    def __init__(self, job: Job) -> None:
        self.job = job
        self.codec = job.codec
        self.rows = job.machine.rows
        self.joins = job.machine.joins
        self.high_parts = HighParts(job.obj, job.machine.high_parts)
        self.result = Relocated(
            contents=contents(job), left={}, symbols=SymbolTable(job.identifier), applied=Counter()
        )
        self.applied = self.result.applied
        self.pointers = pointers(job.codec, job.machine)
        self.straights = straights(job.codec, job.machine)
        self.complaints = Complaints(job.obj, job.line)
        self.left = Left(job, self.result, self.complaints)
        self.spaces, self.values, self.thumbs, self.functions, self.nowhere = located(job)
        self.bases = bases(job)
        # where the global offset table begins, in the space of the code
        self.table = self.bases.get(Region.TEXT, (0, 0))[1] + job.table.start

    def run(self) -> Relocated:
        for section, rows in self.job.obj.relocations.items():
            place = self.job.arranged.home[section]
            if place is not None:
                self.section(section, rows, place)
        for stub in self.job.stubs.all:
            self.veneer(stub)
        self.made_entries()
        self.result.findings = self.complaints.diagnostics()
        return self.result

    def section(self, section: int, rows: Sequence[Relocation], place: tuple[Region, int]) -> None:
        region, start = place
        content = self.result.contents.get(region)
        if content is None:
            self.complaints.no_content(section, rows[0])
            return
        size = self.job.obj.sections[section].size
        stubs = self.job.stubs.by_place.get(section, {})
        space, base = self.bases[region]
        pointers, straights, needed = self.pointers, self.straights, required(space)
        spaces, values, thumbs, functions = self.spaces, self.values, self.thumbs, self.functions
        nowhere, branch, TP = self.nowhere, self.job.machine.branch, self.job.thread_pointer
        rows = list(rows)
        self.applied.update(map(_NUMBER, rows))
        for index, (offset, symbol, number, addend) in enumerate(rows):
            here, there = start + offset, spaces[symbol]
            pointer = pointers.get(number)
            # the most frequent case by far: a data word that becomes an address
            if pointer is not None and there == ABSOLUTE_SPACE:
                width, mask, odd, partial, unpack, pack = pointer
                if offset + width <= size:
                    A = unpack(content, here)[0] if addend is None or partial else 0
                    value = values[symbol] + A + (addend or 0) | thumbs[symbol] & odd
                    pack(content, here, value & mask)
                    continue
            straight = straights.get(number)
            if straight is None or symbol in nowhere or index in stubs:
                self.other(index, rows, section, place, content)
                continue
            row, before, behind, partial, wanted, state, compute, load, dump = straight
            if there != needed[wanted] or not before <= offset <= size - behind:
                self.other(index, rows, section, place, content)
                continue
            word = load(content, here - before)
            A = addend or 0
            if addend is None or partial:
                A += row.addend(word)
            S, P, T = values[symbol], base + here, thumbs[symbol]
            try:
                if state is None:
                    word = row.encode(word, compute(S, A, P, T, TP, 0, 0))
                else:
                    word = branch(row, word, S, A, P, T if functions[symbol] else state)
            except RangeError:
                # there may be another instruction for it, else this complains
                self.other(index, rows, section, place, content)
                continue
            dump(content, here - before, word)

    def other(
        self,
        index: int,
        rows: Sequence[Relocation],
        section: int,
        place: tuple[Region, int],
        content: bytearray,
    ) -> None:
        # one that asks for more than its symbol's address, or for less than is known
        offset, _, number, _ = rows[index]
        row = self.rows.get(number)
        size = self.job.obj.sections[section].size
        stub = self.job.stubs.by_place.get(section, {}).get(index)
        if not isinstance(row, Row):
            self.unusual(row, section, rows[index])
        elif not row.before <= offset <= size - row.size + row.before:
            self.complaints.outside(row, section, offset)
        elif stub is not None:
            self.through(stub, row, content, place[1] + offset)
        elif number in self.joins:
            group = joined(rows, index, self.joins)
            if group:
                self.difference(group, section, place, content)
        else:
            self.single(self.use(row, rows[index], section, place, content), content)

    def use(
        self,
        row: Row,
        relocation: Relocation,
        section: int,
        place: tuple[Region, int],
        content: bytearray,
    ) -> Use:
        # a relocation inside its section, with the word and the addend that it has now
        offset, symbol, _, addend = relocation
        here = place[1] + offset
        word = self.codec.load(row.word, content, here - row.before)
        A = addend or 0
        if addend is None or row.partial:
            A += row.addend(word)
        return _use((row, section, offset, place[0], here, word, symbol, A))

    def single(self, use: Use, content: bytearray) -> None:
        # one that stands by itself
        if use.row.pick is not None:
            row = use.row.pick(content, use.here)
            if row is None:
                self.complaints.no_field(use)
                return
            if use.offset + row.size > self.job.obj.sections[use.section].size + row.before:
                self.complaints.outside(row, use.section, use.offset)
                return
            _, section, offset, region, here, _, symbol, A = use
            word = self.codec.load(row.word, content, here - row.before)
            use = Use(row, section, offset, region, here, word, symbol, A)
        if use.row.via is Via.HIGH_PART:
            self.low_part(use, content)
        elif use.row.via is Via.GOT:
            through = self.through_table(use)
            if through is None:
                self.complaints.no_field(use)  # an earlier one made another instruction of it
            else:
                self.value(through, content)
        elif use.row.branch is None:
            self.value(use, content)
        else:
            self.branch(use, content)

    def through_table(self, use: Use) -> Use | None:
        # to the word of the table that holds the address; None where there is none
        table = self.job.table
        entry = table.entry.get(table.key(use.symbol, use.addend))
        if entry is None:
            return None
        return use._replace(symbol=entry, addend=0 if table.sums else use.addend)

    def through(self, stub: Stub, row: Row, content: bytearray, here: int) -> None:
        # to a veneer, which is in the same region: the distance is final in every mode
        machine, target = self.job.machine, self.job.targets[stub.target]
        row = (row.pick(content, here) if row.pick is not None else None) or row
        word = self.codec.load(row.word, content, here)
        S, A, T = stub.offset + stub.form.entry, -machine.pc_offset(row), stub.form.thumb
        try:
            word = machine.branch(row, word, S, A, here, T)
        except RangeError as err:
            use = Use(row, *stub.first, Region.TEXT, here, word, stub.target, A)
            self.complaints.range(use, target, err)
            return
        self.codec.dump(row.word, content, here, word)

    def value(self, use: Use, content: bytearray) -> None:
        # a row that isn't a branch
        symbol = use.symbol
        space, base = self.bases[use.region]
        use = self.near_zero(use, base)
        if symbol in self.nowhere and self.is_special(use, base, content):
            return
        if not known(use.row, self.spaces[symbol], space):
            self.left.keep(use, content)
            return
        P, S, T = base + use.here, self.values[symbol], self.thumbs[symbol]
        TP, GOT = self.job.thread_pointer, self.table
        value = use.row.compute(S, use.addend, P, T, TP, 0, GOT)
        self.put(use, value, content)

    def is_special(self, use: Use, base: int, content: bytearray) -> bool:
        # whether an undefined weak symbol isn't simply at address 0: no psABI gives a thread-local
        # one an offset, lld that of the addend; elsewhere it may be at the place
        if use.row.space is Space.THREAD:
            self.put(use, use.addend, content)
            return True
        if use.row.space is Space.ABSOLUTE or not self.job.machine.undefined_at_place:
            return False
        here = base + use.here
        self.put(use, evaluate(use.row.formula, S=here, A=use.addend, P=here), content)
        return True

    def put(self, use: Use, value: int, content: bytearray) -> None:
        # the value in its field, or a complaint
        row = use.row
        try:
            word = row.encode(use.word, value)
        except RangeError as err:
            self.complaints.range(use, self.job.targets[use.symbol], err)
            return
        self.codec.dump(row.word, content, use.here - row.before, word)

    def near_zero(self, use: Use, base: int) -> Use:
        # what the instruction can't reach from its place may be near address 0, which another
        # instruction reaches from everywhere (AUIPC and LUI): so are undefined weak symbols
        instead = use.row.from_zero
        if instead is None or self.spaces[use.symbol] != ABSOLUTE_SPACE:
            return use
        row, word = instead
        value = self.values[use.symbol] + use.addend
        if self.job.mode is Mode.PRELOCATED:
            near = use.row.fits(value - base - use.here)
        else:
            near = self.job.targets[use.symbol].kind is not Kind.ZERO
        return use if near or not row.fits(value) else use._replace(row=row, word=word(use.word))

    def low_part(self, use: Use, content: bytearray) -> None:
        # the low part of the value whose high part is at the symbol
        upper = self.high_part(use)
        if upper is not None and upper.row.via is Via.GOT:
            upper = self.through_table(upper)
        if upper is None:
            if not self.is_refused(use):
                self.complaints.no_high_part(use, self.job.targets[use.symbol])
            return
        space, base = self.bases[upper.region]
        upper = self.near_zero(upper, base)
        symbol = upper.symbol
        if not known(upper.row, self.spaces[symbol], space):
            # of a symbol that nothing defines there is no high part either
            if self.job.targets[symbol].kind not in REPORTED:
                self.left.keep(use, content)
            return
        P, S = base + upper.here, self.values[symbol]
        value = upper.row.compute(S, upper.addend, P, 0, 0, 0, 0)
        self.put(use, value + use.addend, content)

    def is_refused(self, use: Use) -> bool:
        # whether the high part was complained of already
        label = self.job.obj.symbols[use.symbol]
        relocation = self.high_parts.at(label)
        loaded = relocation is not None and self.job.arranged.home[label.section] is not None
        return loaded and relocation is not None and relocation.type in self.job.machine.refused

    def high_part(self, use: Use) -> Use | None:
        # the relocation at the place that the symbol labels
        label = self.job.obj.symbols[use.symbol]
        relocation = self.high_parts.at(label)
        place = self.job.arranged.home[label.section] if relocation is not None else None
        if relocation is None or place is None:
            return None
        row, content = self.rows[relocation.type], self.result.contents.get(place[0])
        end = self.job.obj.sections[label.section].size
        if not isinstance(row, Row) or content is None or relocation.offset + row.size > end:
            return None
        return self.use(row, relocation, label.section, place, content)

    def difference(
        self,
        group: Sequence[Relocation],
        section: int,
        place: tuple[Region, int],
        content: bytearray,
    ) -> None:
        # all relocations of one place, each applied to what the one before left there
        here, room = place[1] + group[0].offset, self.job.obj.sections[section].size
        parts, spaces = [], []
        for each in group:
            offset, symbol, number, A = each
            row = self.rows[number]
            if not isinstance(row, Row):
                raise TypeError(row)
            if offset + self.codec.extent(row, content, here) > room:
                self.complaints.outside(row, section, offset)
                return
            if A is None or row.partial:
                A = self.use(row, each, section, place, content).addend
            parts.append((row, self.values[symbol], A))
            spaces.append((row, self.spaces[symbol]))
        if open_spaces(spaces) - {ABSOLUTE_SPACE}:
            for (row, _, _), each in zip(parts, group, strict=True):
                self.left.keep(self.use(row, each, section, place, content), content)
            return
        try:
            put_sum(self.codec, content, here, parts)
        except RangeError as err:
            use = self.use(parts[-1][0], group[-1], section, place, content)
            self.complaints.range(use, self.job.targets[use.symbol], err)

    def branch(self, use: Use, content: bytearray) -> None:
        # a row that is one: to nowhere (weak), or to its target
        machine, row, symbol = self.job.machine, use.row, use.symbol
        target = self.job.targets[symbol]
        space, base = self.bases[use.region]
        nowhere = machine.undefined_branch if target.kind is Kind.ZERO else None
        try:
            if nowhere is not None:
                without = nowhere(row, use.word, self.job.core)
                word = use.word if without is None else without
            elif self.spaces[symbol] != space:
                self.left.keep(use, content)
                return
            else:
                S, P = self.values[symbol], base + use.here
                T = target.thumb if target.function else same_state(machine, row)
                word = machine.branch(row, use.word, S, use.addend, P, T)
        except RangeError as err:
            self.complaints.range(use, target, err)
            return
        self.codec.dump(row.word, content, use.here, word)

    def veneer(self, stub: Stub) -> None:
        # the address inside a veneer is an absolute word as any other
        content = self.result.contents[Region.TEXT]
        content[stub.offset : stub.offset + len(stub.form.code)] = stub.form.code
        place = stub.offset + stub.form.target_offset
        self.word(stub.form.relocation, Region.TEXT, place, stub.target, stub.addend)

    def made_entries(self) -> None:
        start, names = self.job.made.strings
        if names:
            self.result.contents[Region.RODATA][start : start + len(names)] = names
        absolute = self.job.machine.absolute_word
        for offset, target in self.job.made.words:
            self.word(absolute, Region.EXPORT, offset, target, 0)
        for offset, target, addend in self.job.table.words:
            self.word(absolute, Region.TEXT, offset, target, addend)

    def word(self, number: int, region: Region, here: int, symbol: int, addend: int) -> None:
        # a pointer in what the link made: its place holds zeros
        content = self.result.contents[region]
        row = self.rows[number]
        if not isinstance(row, Row):
            raise TypeError(row)
        self.applied[number] += 1
        if self.spaces[symbol] == ABSOLUTE_SPACE:
            S, T = self.values[symbol], self.thumbs[symbol]
            value = evaluate(row.formula, S=S, A=addend, P=0, T=T)
            self.codec.dump(row.word, content, here, row.encode(0, value))
        else:
            self.left.keep(Use(row, 0, 0, region, here, 0, symbol, addend), content)

    def unusual(
        self, row: Ignore | Refuse | Row | None, section: int, relocation: Relocation
    ) -> None:
        self.applied[relocation.type] -= 1
        match row:
            case Ignore():
                return
            case Refuse():
                self.complaints.refused(row, section, relocation, self.job.targets)
            case None | Row():
                self.complaints.unknown(section, relocation, self.job.machine)
