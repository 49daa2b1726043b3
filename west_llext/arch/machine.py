# SPDX-License-Identifier: Apache-2.0
"""What the rooms above need to know of a machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from enum import Enum, Flag, auto

from west_llext.arch.table import Dynamic, Entry, Refuse, Row, Via
from west_llext.diagnostics import Severity
from west_llext.model.base import Abi
from west_llext.model.elf import Ident, ObjectFile
from west_llext.record import record

#: A release of Zephyr, such as (4, 3).
Release = tuple[int, int]

#: New word of a branch: called with row, word, S, A, P and T.
BranchEncoder = Callable[[Row, int, int, int, int, int], int]


@record(frozen=True, slots=True, kw_only=True)
class Veneer:
    """A piece of code that jumps to an address anywhere.

    name: what maps and symbols call the form
    code: its bytes, with zeros where the address goes
    entry: offset of its first instruction
    target_offset: where the address goes; a data word of the machine's pointer size
    relocation: type that the target's loader applies to the address (an absolute word)
    alignment: of the first byte
    thumb: 1 where it is entered in Thumb state, so that its address gets bit 0
    marks: mapping symbols of the psABI, before the code and before the address, so that tools know
        the one from the other; empty where it has none
    """

    name: str
    code: bytes
    target_offset: int
    relocation: int
    entry: int = 0
    alignment: int = 4
    thumb: int = 0
    marks: tuple[str, str] | tuple[()] = ()


@record(frozen=True, slots=True, kw_only=True)
class Core:
    """What an object's attributes say of the processor, as far as linking depends on it.

    blx: the core has BLX (immediate), that is both instruction sets (Arm)
    thumb2: the core has LDR.W to the program counter and NOP.W (Arm)
    windowed: code may use the windowed calling convention (Xtensa)
    """

    blx: bool = False
    thumb2: bool = True
    windowed: bool = False


class Nearness(Flag):
    """What is known of every address that a target may get, and code that refers to it."""

    NOTHING = 0
    #: within 2 GiB of all code
    NEAR = auto()
    #: below 2 GiB
    LOW = auto()
    #: it stays where it is, wherever the target puts the code
    FIXED = auto()


class Concern(Enum):
    """What two files can disagree about, beside machine, class and byte order."""

    #: where floating-point arguments are
    FLOAT = "float"
    #: instructions that one processor has and the other lacks
    PROCESSOR = "processor"
    #: other parts of the procedure call standard
    CONVENTION = "convention"
    #: sizes and formats of data
    DATA = "data"


@record(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """Why code of an object doesn't fit the base image.

    text: what is wrong, with both sides; `it` is the object
    hint: one action that would mend it
    """

    concern: Concern
    text: str
    hint: str
    severity: Severity = Severity.ERROR


def _plain_core(ident: Ident, attributes: Mapping[int, int | str]) -> Core:
    del ident, attributes
    return Core()


def _no_mismatches(obj: Abi, base: Abi) -> tuple[Mismatch, ...]:
    del obj, base
    return ()


def plain_branch(row: Row, word: int, S: int, A: int, P: int, T: int) -> int:  # noqa: PLR0917 (called for each branch, and keywords take time)
    """A branch that is encoded as any other row. Raises RangeError."""
    return row.encode(word, row.compute(S, A, P, T, 0, 0, 0))


def _same_state(row: Row, T: int) -> bool:
    del row, T
    return False


def _always_direct(row: Row, word: int, T: int, core: Core) -> bool:
    del row, word, T, core
    return True


def _no_veneer(row: Row, core: Core) -> Veneer | None:
    del row, core
    return None


def _from_the_place(row: Row) -> int:
    del row
    return 0


@record(frozen=True, slots=True, kw_only=True, eq=False)
class Machine:
    """What the other rooms need to know of a machine.

    number: e_machine
    name: as manifests and reports spell it
    notes: what is odd about it, and the documents that the tables follow; the first line names it
    rows: every relocation number of the psABI
    entry_is_odd: functions can have bit 0 of their address set (Thumb)
    branch: encodes rows that have `branch`; may change the instruction (BL to BLX)
    changes_state: (row, T): whether the branch ends in the other instruction set
    direct: (row, word, T, core): whether `branch` can encode it without a veneer, range aside
    undefined_branch: (row, word, core): the word that replaces a branch to an undefined weak symbol,
        or None to leave it alone; where there is no such function, it goes to address 0
    undefined_at_place: whether an undefined weak symbol is at the place for whatever counts from
        the place; else it is at address 0
    veneer: (row, core): the form that a branch of this row can go through, or None
    explicit_addends: whether the target's loader takes RELA (True) or REL (False)
    absolute_word: number of the relocation that adds an address to a pointer-sized word
    first: release of Zephyr whose loader was the first to relocate for the machine; 0.0 where every
        loader does
    since: release of Zephyr to the relocation numbers that its loader came to know, or to get right;
        whatever else is `loadable` is known to every release that has a loader for the machine
    thread_pointer: (size, alignment) of the base's thread-local block, to where the thread pointer
        is, counted from its first byte
    instructions: the rows that the row of a slot picks from, where the opcode decides
    table_of_sums: whether a word of a global offset table is for the sum of a symbol and an addend
        (AArch64); else the addend counts from the word
    own_table: whether code may count from the start of the table, which is in the extension then
    prepare: the object with what a linker would change before it looks at symbols
    without_table: (object, nearness of a symbol by its index): the object without references through
        a table that need none
    branches: numbers of the rows that are branches
    joins: numbers of the rows that make a difference together with others of the same place
    high_parts: numbers of the rows that a row via HIGH_PART can refer to
    table_entries: numbers of the rows that need a word of a global offset table
    refused: numbers of the types that extensions can't have
    dynamic: the types of shared objects, by number; empty where extensions can't be made of those
    pointers: numbers of the rows that make an address of a data word
    partial: numbers of the rows whose place has a part of the addend, though they have one
    pc_offset: how far ahead of the place the row's branch counts from; its usual addend is minus
        this
    alignment: what every region begins at, because fields count from rounded places
    literals: (name of a section of code) to that of the section of its literals, which has to be in
        front of it; None where literals are reached in both directions
    debugger_links: whether gdb relocates the debug information of an object of this machine
    core: (ident, attributes): what code of a file may assume of the processor
    mismatches: (object, base): why the object's code doesn't fit the base's, beyond machine, class
        and byte order
    """

    number: int
    name: str
    rows: Mapping[int, Entry]
    branch: BranchEncoder = plain_branch
    explicit_addends: bool
    absolute_word: int
    changes_state: Callable[[Row, int], bool] = _same_state
    direct: Callable[[Row, int, int, Core], bool] = _always_direct
    undefined_branch: Callable[[Row, int, Core], int | None] | None = None
    undefined_at_place: bool = False
    veneer: Callable[[Row, Core], Veneer | None] = _no_veneer
    pc_offset: Callable[[Row], int] = _from_the_place
    notes: str = ""
    entry_is_odd: bool = False
    bits: int = 32
    core: Callable[[Ident, Mapping[int, int | str]], Core] = _plain_core
    mismatches: Callable[[Abi, Abi], tuple[Mismatch, ...]] = _no_mismatches
    alignment: int = 1
    literals: Callable[[str], str] | None = None
    thread_pointer: Callable[[int, int], int] | None = None
    instructions: tuple[Row, ...] = ()
    table_of_sums: bool = False
    own_table: bool = False
    debugger_links: bool = True
    prepare: Callable[[ObjectFile], ObjectFile] | None = None
    without_table: Callable[[ObjectFile, Callable[[int], Nearness]], ObjectFile] | None = None
    first: Release = (0, 0)
    since: Mapping[Release, frozenset[int]] = field(default_factory=dict)
    high_parts: frozenset[int] = frozenset()
    branches: frozenset[int] = field(init=False)
    joins: frozenset[int] = field(init=False)
    table_entries: frozenset[int] = field(init=False)
    refused: frozenset[int] = field(init=False)
    dynamic: Mapping[int, Dynamic] = field(init=False)
    pointers: frozenset[int] = field(init=False)
    partial: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        """Work out what every link needs."""
        rows = [row for row in self.rows.values() if isinstance(row, Row)]
        refused = [row for row in self.rows.values() if isinstance(row, Refuse)]
        for name, chosen in (
            ("branches", [row for row in rows if row.branch is not None]),
            ("refused", refused),
            ("pointers", [row for row in rows if row.is_pointer]),
            ("partial", [row for row in rows if row.partial]),
            ("joins", [row for row in rows if row.joins]),
            ("table_entries", [row for row in rows if row.via is Via.GOT]),
        ):
            object.__setattr__(self, name, frozenset(row.number for row in chosen))
        dynamic = {row.number: row for row in refused if isinstance(row, Dynamic)}
        object.__setattr__(self, "dynamic", dynamic)

    def came_with(self, number: int, release: Release | None) -> Release | None:
        """The release whose loader came to know a relocation number, where `release` is older.

        None where its loader knows the number; an unknown release is the newest.
        """
        if release is None:
            return None
        later = [each for each, numbers in self.since.items() if number in numbers]
        known = max([self.first, *later])
        return known if release < known else None
