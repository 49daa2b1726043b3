# SPDX-License-Identifier: Apache-2.0
"""What to say of relocations that can't be applied, each kind once with a count."""

from __future__ import annotations

from west_llext.arch.machine import Machine, Release
from west_llext.arch.table import Dynamic, RangeError, Refuse, Row
from west_llext.diagnostics import Diagnostic, Related
from west_llext.link.missing import LineFinder
from west_llext.link.places import Use, in_section, place_of, shown
from west_llext.link.targets import Kind, Target
from west_llext.model.elf import ObjectFile, Relocation


class Complaints:
    """Findings of one object's relocations.

    The same complaint about the same symbol is made once; it says how often it holds.
    """

    def __init__(self, obj: ObjectFile, line: LineFinder) -> None:
        """`line` finds the source line of a place, for a note."""
        self.obj = obj
        self.line = line
        self._first: dict[tuple[str, str, str], tuple[int, int, str, str | None]] = {}
        self._count: dict[tuple[str, str, str], int] = {}

    def diagnostics(self) -> list[Diagnostic]:
        """All of them, in the order in which they first occurred."""
        found = []
        for key, (section, offset, message, hint) in self._first.items():
            count = self._count[key]
            more = f" (and {count - 1} more like it)" if count > 1 else ""
            source = self.line(self.obj, section, offset)
            notes: tuple[Related, ...] = ()
            if source is not None:
                notes = (Related(at=source, message="the code is made of this line"),)
            found.append(
                Diagnostic(
                    code=key[0],
                    at=place_of(self.obj),
                    message=message + more,
                    hint=hint,
                    related=notes,
                )
            )
        return found

    def range(self, use: Use, target: Target, err: RangeError) -> None:
        """A value that doesn't fit its field, or isn't aligned."""
        place = self._place(use.section, use.offset)
        name = target.name
        aligned = f", {err.alignment}-aligned" if err.alignment > 1 else ""
        wanted = f"[{_limit(err.low)}, {_limit(err.high)}){aligned}"
        if err.low <= err.value < err.high:
            code, what = "R004", f"{use.row.name} at {place} can't reach '{name}' exactly"
        else:
            code, what = "R003", f"{use.row.name} at {place} does not reach '{name}'"
        message = f"{what}: {use.row.formula.value} = {shown(err.value)} is not in {wanted}"
        hint = use.row.remedy or None
        self._add((code, use.row.name, name), (use.section, use.offset), message, hint)

    def outside(self, row: Row, section: int, offset: int) -> None:
        """A place behind the end of its section."""
        size = self.obj.sections[section].size
        name = self.obj.sections[section].name
        message = (
            f"{row.name} at {self._place(section, offset)} changes {row.size} bytes, "
            f"'{name}' has {size:#x}"
        )
        self._add(("R005", row.name, name), (section, offset), message, None)

    def no_content(self, section: int, relocation: Relocation) -> None:
        """A relocation in a section without bytes (NOBITS)."""
        name = self.obj.sections[section].name
        message = f"relocation at {self._place(section, relocation.offset)}, '{name}' has no bytes"
        self._add(("R005", "", name), (section, relocation.offset), message, None)

    def unplaced(self, machine: Machine, relocation: Relocation) -> None:
        """A relocation of a shared object at an address where nothing is."""
        number = relocation.type
        name = machine.rows[number].name if number in machine.rows else f"relocation type {number}"
        message = f"{name} at address {relocation.offset:#x}, where the file has no section"
        self._add(("R005", name, ""), (0, 0), message, None)

    def astray(self, row: Dynamic, section: int, offset: int, address: int) -> None:
        """A word of a shared object that points to where nothing is."""
        message = (
            f"{row.name} at {self._place(section, offset)} refers to address {address:#x}, where "
            "the file has no section that is loaded"
        )
        self._add(("R006", row.name, ""), (section, offset), message, None)

    def unloaded(self, use: Use, target: Target) -> None:
        """A reference to something in a section that isn't loaded."""
        message = (
            f"{use.row.name} at {self._place(use.section, use.offset)} refers to '{target.name}', "
            "which is in a section that isn't loaded"
        )
        self._add(("R006", use.row.name, target.name), (use.section, use.offset), message, None)

    def unloadable(self, use: Use, target: Target, since: Release | None) -> None:
        """A relocation that would be left for a loader that doesn't know it.

        since: the release that came to know it, where there is one
        """
        later = "" if since is None else f" before Zephyr {since[0]}.{since[1]}"
        message = (
            f"{use.row.name} at {self._place(use.section, use.offset)} refers to '{target.name}', "
            f"and the target's loader can't apply that type{later}"
        )
        way = use.row.remedy or "make the reference through a pointer"
        hint = f"set 'mode: prelocated', or {way}"
        self._add(("R007", use.row.name, target.name), (use.section, use.offset), message, hint)

    def unfilled(self, use: Use, target: Target, bits: int) -> None:
        """An address of which the target's loader would fill in the lower bits only."""
        known = target.kind is Kind.NAMED and target.value
        where = f"which is at {target.value:#x}" if known else "which is loaded above that"
        message = (
            f"{use.row.name} at {self._place(use.section, use.offset)} refers to '{target.name}', "
            f"{where}, and the target's loader fills in the lower {bits} bits only"
        )
        hint = "set 'mode: bound' or 'mode: prelocated'" if known else "set 'mode: prelocated'"
        self._add(("R012", use.row.name, target.name), (use.section, use.offset), message, hint)

    def thread(self, use: Use, target: Target) -> None:
        """An address where an offset is meant, or the other way round."""
        place = self._place(use.section, use.offset)
        if target.kind is Kind.THREAD:
            message = (
                f"{use.row.name} at {place} makes an address of '{target.name}', a thread-local "
                "variable of the base image, which has one in each thread"
            )
        else:
            message = (
                f"{use.row.name} at {place} counts from the thread pointer to '{target.name}', "
                "which isn't thread-local"
            )
        hint = "declare it in the extension as the base image does, with or without __thread"
        self._add(("R011", use.row.name, target.name), (use.section, use.offset), message, hint)

    def addend(self, use: Use, target: Target, err: RangeError) -> None:
        """An addend that the place can't hold for the target's loader."""
        message = (
            f"{use.row.name} at {self._place(use.section, use.offset)} refers to '{target.name}' "
            f"{shown(err.value)}, an addend in the place must be in "
            f"[{_limit(err.low)}, {_limit(err.high)})"
        )
        hint = "set 'mode: prelocated', or refer to a symbol nearer to the target"
        self._add(("R008", use.row.name, target.name), (use.section, use.offset), message, hint)

    def no_field(self, use: Use) -> None:
        """An instruction that has no field for the relocation."""
        message = (
            f"{use.row.name} at {self._place(use.section, use.offset)} stands at an instruction "
            "that has no field for an address"
        )
        self._add(("R009", use.row.name, ""), (use.section, use.offset), message, None)

    def no_high_part(self, use: Use, target: Target) -> None:
        """A low part whose symbol isn't at the place of a high part."""
        message = (
            f"{use.row.name} at {self._place(use.section, use.offset)} refers to '{target.name}', "
            "where no instruction has the high part of an address"
        )
        self._add(("R010", use.row.name, target.name), (use.section, use.offset), message, None)

    def refused(
        self, row: Refuse, section: int, relocation: Relocation, targets: list[Target]
    ) -> None:
        """A type that extensions can't have."""
        name = targets[relocation.symbol].name
        message = (
            f"{row.name} at {self._place(section, relocation.offset)} against '{name}' can't be "
            f"used in an extension: {row.why}"
        )
        self._add(("R001", row.name, ""), (section, relocation.offset), message, row.hint or None)

    def unknown(self, section: int, relocation: Relocation, machine: Machine) -> None:
        """A type that the psABI doesn't have."""
        message = (
            f"relocation type {relocation.type} at {self._place(section, relocation.offset)} "
            f"is not one of {machine.name}"
        )
        self._add(("R002", str(relocation.type), ""), (section, relocation.offset), message, None)

    def _place(self, section: int, offset: int) -> str:
        if not section:
            return "a word that the link made"
        return in_section(self.obj, section, offset)

    def _add(
        self,
        key: tuple[str, str, str],
        place: tuple[int, int],
        message: str,
        hint: str | None,
    ) -> None:
        # key: code, relocation type and symbol; place: section and offset
        self._first.setdefault(key, (*place, message, hint))
        self._count[key] = self._count.get(key, 0) + 1


def _limit(value: int) -> str:
    return f"{'-' if value < 0 else ''}{abs(value):#x}"
