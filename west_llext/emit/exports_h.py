# SPDX-License-Identifier: Apache-2.0
"""`llext_exports.h`: what the base image exports, for application code to ask."""

from __future__ import annotations

from collections.abc import Sequence

from west_llext.emit.export_table import ExportTable, commented, export_table, guarded
from west_llext.emit.exports_c import HEADER_NAME, Flavour
from west_llext.model.manifest import ExportGroup, Memory

_STANDALONE_INTERFACE = """\
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An exported symbol. `addr` has bit 0 set for Thumb functions, as pointers to them have. */
struct west_llext_symbol {
	const char *name;
	const void *addr;
};

/* Sorted by name, as strcmp() has it. One more entry, with null pointers, marks the end. */
extern const struct west_llext_symbol west_llext_exports[];

/* Entries before the one that marks the end. */
extern const size_t west_llext_export_count;

/* Address of an exported symbol; null if there is none of that name. */
static inline const void *west_llext_find(const char *name)
{
	size_t low = 0;
	size_t high = west_llext_export_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const char *wanted = name;
		const char *have = west_llext_exports[middle].name;

		/* All names in the table are ASCII, so it does not matter whether char is signed. */
		while (*wanted != '\\0' && *wanted == *have) {
			wanted++;
			have++;
		}
		if (*wanted == *have) {
			return west_llext_exports[middle].addr;
		}
		if (*wanted < *have) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return NULL;
}

#ifdef __cplusplus
}
#endif
"""


def text(
    groups: Sequence[ExportGroup],
    *,
    flavour: Flavour,
    origin: str,
    memories: Sequence[Memory] = (),
) -> str:
    """The header for the exports of a manifest, which `origin` names by a relative path.

    memories: those that the manifest declares

    Raises LlextError as `export_table` does.
    """
    table = export_table(groups, origin=origin)
    lines = [
        f"/* Made by west-llext from {commented(origin)}: symbols that extensions can use. */",
        "",
        "#ifndef WEST_LLEXT_EXPORTS_H_",
        "#define WEST_LLEXT_EXPORTS_H_",
        "",
        "/* SHA-256 over the exported names and the conditions that some of them have. */",
        f'#define WEST_LLEXT_EXPORTS_IDENTITY "{table.identity}"',
        "",
        *_names(table),
        *_count(table),
        "",
        *_memories(memories),
        "",
        *_interface(flavour),
        f"#endif /* WEST_LLEXT_EXPORTS_H_: {HEADER_NAME} */",
        "",
    ]
    return "\n".join(lines)


def _interface(flavour: Flavour) -> tuple[str, ...]:
    match flavour:
        case Flavour.ZEPHYR:
            return ()
        case Flavour.STANDALONE:
            return (_STANDALONE_INTERFACE,)


def _names(table: ExportTable) -> list[str]:
    lines = ["/* One macro for each symbol that is exported in this configuration. */"]
    for guard, run in table.runs():
        lines += guarded((f"#define WEST_LLEXT_HAS_{each.name} 1" for each in run), guard)
    return [*lines, ""]


def _memories(memories: Sequence[Memory]) -> list[str]:
    lines = [
        "/* Memories for prelocated extensions: X(name, address, size, access), where access is",
        " * the sum of 4 to read, 2 to write and 1 to execute.",
        " */",
    ]
    rows = [
        f'\tX("{each.name}", {each.address:#x}, {each.size:#x}, {_access(each)})'
        for each in memories
    ]
    return [*lines, " \\\n".join(["#define WEST_LLEXT_MEMORIES(X)", *rows])]


def _access(memory: Memory) -> int:
    return sum(value for letter, value in (("r", 4), ("w", 2), ("x", 1)) if letter in memory.access)


def _count(table: ExportTable) -> list[str]:
    sizes: dict[str | None, int] = {None: 0}
    for each in table.entries:
        sizes[each.guard] = sizes.get(each.guard, 0) + 1
    lines = ["/* How many they are. */"]
    terms = [str(sizes.pop(None))]
    for number, (guard, size) in enumerate(sorted(sizes.items(), key=lambda item: str(item[0]))):
        term = f"WEST_LLEXT_EXPORT_COUNT_{number}"
        terms.append(term)
        lines += [f"#if {guard}", f"#define {term} {size}", "#else", f"#define {term} 0", "#endif"]
    return [*lines, f"#define WEST_LLEXT_EXPORT_COUNT ({' + '.join(terms)})"]
