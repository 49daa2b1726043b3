# SPDX-License-Identifier: Apache-2.0
"""`llext_exports.c`: the base image's symbol table.

The table must hold the address of symbols of which only the name is known. Each is declared under
a name of ours, as an object, and bound to the symbol by an asm label. So no declaration that the
compiler has built in, or that a header has, is in its way, whatever its type; and the linker, which
goes by the symbol's own type, still sets bit 0 in the address of a Thumb function (AAELF32,
R_ARM_ABS32: (S + A) | T). The one thing that compares the declaration with the definition is link
time optimisation: this file must be compiled without it, which costs nothing, as it has no code.

For Zephyr, the entries are made by Zephyr's macros, each in the newest form that the release has
(the preprocessor finds out), under the names that the release's build scripts expect.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from west_llext.emit.export_table import (
    Entry,
    ExportTable,
    commented,
    export_table,
    guarded,
)
from west_llext.model.manifest import ExportGroup

#: Groups that have their setting in Zephyr (subsys/llext/Kconfig).
ZEPHYR_GROUPS = frozenset({"UNASSIGNED", "SYSCALL", "LIBC", "DEVICE"})
#: Name of the header that the standalone table includes.
HEADER_NAME = "llext_exports.h"


class Flavour(Enum):
    """For whom the table is."""

    #: a Zephyr image: entries of the llext subsystem
    ZEPHYR = "zephyr"
    #: any other image: one sorted array
    STANDALONE = "standalone"


class _Form(NamedTuple):
    """How a range of Zephyr releases exports a symbol.

    since: first release
    known_by: preprocessor condition that only it and later ones meet
    lines: what WEST_LLEXT_EXPORT(group, symbol) does once the symbol is declared
    """

    since: str
    known_by: str
    lines: tuple[str, ...]


_BY_SLID = "defined(CONFIG_LLEXT_EXPORT_BUILTINS_BY_SLID)"
_ITEM = "static const STRUCT_SECTION_ITERABLE({}, __llext_sym_##symbol)"
_FORMS = (
    _Form(
        "4.4",
        "defined(EXPORT_GROUP_SYMBOL_NAMED)",
        ("EXPORT_GROUP_SYMBOL_NAMED(group, west_llext_ref_##symbol, symbol)",),
    ),
    _Form(
        "4.1",
        "defined(EXPORT_SYMBOL_NAMED)",
        ("EXPORT_SYMBOL_NAMED(west_llext_ref_##symbol, symbol)",),
    ),
    _Form(
        "3.7",
        f"defined(LL_EXTENSION_SYMBOL) && {_BY_SLID}",
        (
            'static const char __attribute__((section("llext_exports_strtab"), used))',
            "west_llext_name_##symbol[] = #symbol;",
            _ITEM.format("llext_const_symbol") + " =",
            "{ .name = west_llext_name_##symbol, .addr = west_llext_ref_##symbol }",
        ),
    ),
    _Form(
        "3.5",
        "1",
        (
            _ITEM.format("llext_const_symbol") + " =",
            "{ .name = #symbol, .addr = west_llext_ref_##symbol }",
        ),
    ),
)


def text(
    groups: Sequence[ExportGroup],
    *,
    flavour: Flavour,
    origin: str,
    config: Mapping[str, str] | None = None,
) -> str:
    """The table for the exports of a manifest, which `origin` names by a relative path.

    config: Kconfig settings of the base image, where they are known; a group that has a setting
        there is exported as that says, another one always
    Raises LlextError as `export_table` does.
    """
    table = export_table(groups, origin=origin)
    head = [
        f"/* Made by west-llext from {commented(origin)}: symbols that extensions can use. */",
        "/* Compile it without link time optimisation (-fno-lto): types are unknown here. */",
        "",
    ]
    return "\n".join([*head, *_body(table, flavour, config or {}), ""])


def _body(table: ExportTable, flavour: Flavour, config: Mapping[str, str]) -> list[str]:
    match flavour:
        case Flavour.ZEPHYR:
            return _zephyr(table, config)
        case Flavour.STANDALONE:
            return _standalone(table)


def _zephyr(table: ExportTable, config: Mapping[str, str]) -> list[str]:
    lines = ["#include <zephyr/llext/symbol.h>", "", "#ifdef CONFIG_LLEXT", ""]
    for number, form in enumerate(_FORMS):
        lines += [
            f"#{'elif' if number else 'if'} {form.known_by} /* Zephyr {form.since} or later */",
            "#define WEST_LLEXT_EXPORT(group, symbol) \\",
            "\textern char west_llext_ref_##symbol[] __asm__(#symbol); \\",
            *(f"\t{line} \\" for line in form.lines[:-1]),
            f"\t{form.lines[-1]}",
        ]
    lines += ["#endif", "", *_own_groups(table, config)]
    for guard, run in table.runs():
        lines += guarded(_zephyr_lines(run), guard)
    return [*lines, "", "#endif /* CONFIG_LLEXT */"]


def _own_groups(table: ExportTable, config: Mapping[str, str]) -> Iterator[str]:
    # Since 4.4 the symbols of a group without a setting stay out of the table, without a word. A
    # group of the manifest alone has its condition there, so it is switched on.
    groups = {each.group for each in table.entries if each.group is not None}
    settings = {f"CONFIG_LLEXT_EXPORT_SYMBOL_GROUP_{name}" for name in groups - ZEPHYR_GROUPS}
    for setting in sorted(settings - config.keys()):
        yield from (f"#ifndef {setting}", f"#define {setting} 1", "#endif", "")


def _zephyr_lines(run: Iterable[Entry]) -> Iterator[str]:
    for each in run:
        # Macros that hand a name on would expand it: `linux`, for one, is 1 by default.
        yield f"#undef {each.name}"
        yield f"WEST_LLEXT_EXPORT({each.group or 'UNASSIGNED'}, {each.name});"


def _standalone(table: ExportTable) -> list[str]:
    lines = [f'#include "{HEADER_NAME}"', ""]
    for guard, run in table.runs():
        references = (
            f'extern const char west_llext_ref_{each.name}[] __asm__("{each.name}");'
            for each in run
        )
        lines += guarded(references, guard)
    lines += ["", "const struct west_llext_symbol west_llext_exports[] = {"]
    for guard, run in table.runs():
        entries = (f'	{{"{each.name}", west_llext_ref_{each.name}}},' for each in run)
        lines += guarded(entries, guard)
    return [
        *lines,
        "	{NULL, NULL},",
        "};",
        "",
        "const size_t west_llext_export_count =",
        "	sizeof(west_llext_exports) / sizeof(west_llext_exports[0]) - 1;",
    ]
