# SPDX-License-Identifier: Apache-2.0
"""`llext.gdb`: symbols for the debugger.

Prelocated extensions are loaded when the script is read; each of the others gets a command that
takes the addresses that the target chose. gdb looks for files from its current folder on and
can't tell a script where it is, hence `$llext_dir`. Nothing here needs gdb to have Python, and the
address of .text comes first because gdb wanted it there until version 8.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from west_llext.emit.export_table import commented
from west_llext.model.link import Linked
from west_llext.model.region import PLACEABLE


class DebugEntry(NamedTuple):
    """What the script says of one extension.

    file: its unstripped twin, by a path relative to the script's folder
    sections: (name, address) of each section with code or data, .text first where there is one;
        no address where the target decides
    """

    name: str
    file: str
    sections: tuple[tuple[str, int | None], ...]


_HEAD = """\
# Made by west-llext from {origin}: symbols of loadable extensions.
#
#   (gdb) source llext.gdb                       in the folder of this file; in any other one
#   (gdb) set $llext_dir = "build/llext"         say first where it is
#   (gdb) source build/llext/llext.gdb
#
# The symbols of prelocated extensions are loaded at once; "llext FOLDER" does it again, with quotes
# where the folder has blanks. Each other extension has a command "llext-NAME" that takes the
# addresses that the target has chosen. Sources are named from the manifest's folder on: where gdb
# runs in another one, "directory FOLDER" finds them.

"""
_TAIL = """\
if $_isvoid($llext_dir)
  llext .
else
  eval "llext \\"%s\\"", $llext_dir
end
"""
# What gdb takes as one word, in `eval` too. Everything else is refused, not quoted: the rules for
# quotes differ from command to command.
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_FILE = re.compile(r"[A-Za-z0-9_./+-]+")


def entry(linked: Linked, file: str) -> DebugEntry:
    """What the script needs to know of an extension whose twin is `file`."""
    sections = [linked.section(region) for region in PLACEABLE]
    return DebugEntry(
        linked.name,
        file,
        tuple((each.name, each.address) for each in sections if each is not None and each.size),
    )


def text(entries: Iterable[DebugEntry], *, origin: str) -> str:
    """The script for all extensions, sorted by name; `origin` is the manifest's relative path.

    Raises ValueError for a name that gdb would not take as one word; manifests have none.
    """
    ordered = sorted(entries, key=lambda each: each.name)
    for each in ordered:
        words = [
            _NAME.fullmatch(word) for word in (each.name, *(name for name, _ in each.sections))
        ]
        if not all(words) or not _FILE.fullmatch(each.file):
            raise ValueError(f"not safe in a gdb script: {each!r}")
    fixed = [each for each in ordered if each.sections and each.sections[0][1] is not None]
    parts = [_HEAD.format(origin=commented(origin)), _prelocated(fixed)]
    parts += [_floating(each) for each in ordered if each.sections and each.sections[0][1] is None]
    return "".join(parts) + _TAIL


def _prelocated(entries: Sequence[DebugEntry]) -> str:
    lines = ["define llext"]
    for each in entries:
        addresses = [f"{address:#x}" for _, address in each.sections if address is not None]
        lines.append(f"  add-symbol-file $arg0/{each.file} {_places(each, addresses)}")
    lines += [
        "end",
        "document llext",
        "Load the symbols of prelocated extensions.",
        "Usage: llext FOLDER, where FOLDER is that of the script that made this command.",
        "end",
    ]
    return "\n".join(lines) + "\n\n"


def _floating(each: DebugEntry) -> str:
    count = len(each.sections)
    usage = " ".join(name.lstrip(".").upper() for name, _ in each.sections)
    places = _places(each, [f"$arg{number}" for number in range(count)])
    return f"""\
define llext-{each.name}
  if $argc != {count}
    echo Usage: llext-{each.name} {usage}\\n
  else
    if $_isvoid($llext_dir)
      add-symbol-file ./{each.file} {places}
    else
      eval "add-symbol-file \\"%s\\"/{each.file} {places}", $llext_dir
    end
  end
end
document llext-{each.name}
Load the symbols of the extension {each.name}.
Usage: llext-{each.name} {usage}
Each is the address of that section on the target.
end

"""


def _places(each: DebugEntry, addresses: Sequence[str]) -> str:
    words: list[str] = []
    for (name, _), address in zip(each.sections, addresses, strict=True):
        words.append(address if name == ".text" and not words else f"-s {name} {address}")
    return " ".join(words)
