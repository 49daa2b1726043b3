# SPDX-License-Identifier: Apache-2.0
"""The page on machines and their relocations, made of the tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from west_llext.arch.machine import Machine
from west_llext.arch.machines import MACHINES
from west_llext.arch.table import Check, Dynamic, Entry, Ignore, Refuse, Row, Via

_INTRO = """\
# Machines and relocations

<!-- Made from west_llext/arch/ by tools/machine_reference.py; change it there. -->

Every relocation type of each machine's psABI, and what becomes of it. The link uses the same tables.

**value** is what is put in, in the letters of the psABIs: `S` address of the symbol, `A` addend, `P`
address of the place (`Pa` and `Pn`: rounded down and up to a multiple of 4), `T` 1 for a Thumb
function, `V` what the place holds, `TP` the thread pointer, `B` how far a section was moved from where
a shared object has it.
**range** is what fits, half-open; nothing is said where high bits are cut off.

What depends on an address that only the target knows is **left** for Zephyr's loader, where that can
apply the type (with a release: from that one on). Elsewhere it is an error that says what to do, R007.
Types without a value are *ignored*, because they change nothing, or *refused*, with the remedy (R001).
"""

_VIA = {
    Via.DIRECT: "",
    Via.HIGH_PART: " of the place that has the upper part",
    Via.GOT: ", S being a word in the extension that holds the address",
}


def text() -> str:
    """The page, in Markdown."""
    parts = [_INTRO]
    notes = ""
    for machine in MACHINES.values():
        if machine.notes != notes:
            notes = machine.notes
            title, _, rest = notes.strip().partition("\n")
            parts.append(f"## {title.rstrip('.')}\n{rest.rstrip()}\n")
        order = f"{machine.bits} bits"
        table = "\n".join(_table(machine, machine.rows.values()))
        parts.append(f"### `{machine.name}`, {order}\n\n{table}\n")
        if machine.instructions:
            table = "\n".join(_table(machine, machine.instructions))
            parts.append(f"What the instruction at the place decides:\n\n{table}\n")
    return "\n".join(parts)


def _table(machine: Machine, entries: Iterable[Entry]) -> Iterator[str]:
    yield "| no. | type | value | range | left |"
    yield "| ---: | --- | --- | --- | --- |"
    # several entries of one number stay in their order
    for entry in sorted(entries, key=lambda each: each.number):
        yield f"| {entry.number} | `{entry.name}` | {' | '.join(_cells(machine, entry))} |"


def _cells(machine: Machine, entry: Entry) -> tuple[str, str, str]:
    match entry:
        case Ignore():
            return f"*ignored*: {entry.why}", "", ""
        case Dynamic():
            value = "`B + A`" if entry.based else "`S + A`"
            return f"{value} in shared objects; else *refused*: {entry.why}", "", "yes"
        case Refuse():
            hint = f"; {entry.hint}" if entry.hint else ""
            return f"*refused*: {entry.why}{hint}", "", ""
        case Row():
            value = entry.formula.value.replace("|", "\\|")
            return f"`{value}`{_VIA[entry.via]}", _range(entry), _left(machine, entry)


def _range(row: Row) -> str:
    if row.pick is not None:
        return "by instruction"
    if row.check is Check.WRAP:
        return ""
    low, high = row.range()
    step = row.layout.alignment << row.shift
    step = 1 if row.bias % step else step
    aligned = f", {step}-aligned" if step > 1 else ""
    return f"[{_hex(low)}, {_hex(high)}){aligned}"


def _left(machine: Machine, row: Row) -> str:
    if not row.loadable:
        return "no"
    since = machine.came_with(row.number, (0, 0))
    return "yes" if since is None else f"{since[0]}.{since[1]}"


def _hex(value: int) -> str:
    return f"{'-' if value < 0 else ''}{abs(value):#x}"
