# SPDX-License-Identifier: Apache-2.0
"""A Kconfig file for the groups of exported symbols that Zephyr does not know.

Since 4.4 each group needs a setting; without one, its symbols silently stay out of the table.
"""

from __future__ import annotations

from collections.abc import Sequence

from west_llext.emit.export_table import export_table
from west_llext.model.manifest import ExportGroup

#: Groups that have their setting in Zephyr (subsys/llext/Kconfig).
ZEPHYR_GROUPS = frozenset({"UNASSIGNED", "SYSCALL", "LIBC", "DEVICE"})


def text(groups: Sequence[ExportGroup], *, origin: str) -> str:
    """The file for the groups of a manifest, which `origin` names by a relative path.

    Raises LlextError as `export_table` does.
    """
    table = export_table(groups, origin=origin)
    names = {each.group for each in table.entries if each.group is not None} - ZEPHYR_GROUPS
    shown = "".join(each if each.isprintable() else "?" for each in origin)
    lines = [f"# Made by west-llext from {shown}: groups of symbols that extensions can use.\n"]
    for name in sorted(names):
        lines += [
            f"\nconfig LLEXT_EXPORT_SYMBOL_GROUP_{name}\n",
            f'\tbool "Export the symbols of the group {name} to extensions"\n',
            "\tdepends on LLEXT\n",
            "\tdefault y\n",
        ]
    return "".join(lines)
