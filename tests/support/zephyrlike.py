# SPDX-License-Identifier: Apache-2.0
"""Headers with the export macros that releases of Zephyr have, as far as generated code sees them.

These are test doubles: written for the tests, they have nothing of Zephyr but the names and what
they do. `make zephyr-test` compiles against the real ones.

Entries go to a section whose bounds the linker gives (`__start_exports`), so that a program on this
machine can walk the table. Which macros exist and what they do with their arguments (paste, turn
into text, expand first) is as in include/zephyr/llext/symbol.h of the release.
"""

from __future__ import annotations

from pathlib import Path

_COMMON = """\
#include <stddef.h>
#include <stdint.h>
#define ZEPHYRLIKE_TEXT(x) #x
#define STRINGIFY(x) ZEPHYRLIKE_TEXT(x)
#define __used __attribute__((used))
#define Z_GENERIC_SECTION(s) __attribute__((section(STRINGIFY(s))))
#define STRUCT_SECTION_ITERABLE(type, name) \\
	struct type name __attribute__((section("exports"), used, aligned(__alignof__(struct type))))
"""
_CONST_SYMBOL = """\
struct llext_const_symbol {
	union { const char *const name; const uintptr_t slid; };
	const void *const addr;
};
"""
_PLAIN_ITEM = """\
#define ZEPHYRLIKE_ITEM(ident, sym_name) \\
	static const STRUCT_SECTION_ITERABLE(llext_const_symbol, __llext_sym_##sym_name) = { \\
		.name = STRINGIFY(sym_name), .addr = (const void *)&ident, \\
	}
"""
_SLID_ITEM = """\
#define ZEPHYRLIKE_ITEM(ident, sym_name) \\
	static const char Z_GENERIC_SECTION(llext_exports_strtab) __used \\
		__llext_sym_name_##sym_name[] = STRINGIFY(sym_name); \\
	static const STRUCT_SECTION_ITERABLE(llext_const_symbol, __llext_sym_##sym_name) = { \\
		.name = __llext_sym_name_##sym_name, .addr = (const void *)&ident, \\
	}
"""
_ITEM = f"#ifdef CONFIG_LLEXT_EXPORT_BUILTINS_BY_SLID\n{_SLID_ITEM}#else\n{_PLAIN_ITEM}#endif\n"

#: symbol.h by the first release that has it.
SYMBOL_H = {
    "3.5": """\
struct llext_const_symbol {
	const char *const name;
	const void *const addr;
};
#define EXPORT_SYMBOL(x) \\
	static const STRUCT_SECTION_ITERABLE(llext_const_symbol, x##_sym) = { \\
		.name = STRINGIFY(x), .addr = x, \\
	}
""",
    "3.6": """\
struct llext_const_symbol {
	const char *const name;
	const void *const addr;
};
#define EXPORT_SYMBOL(x) \\
	static const STRUCT_SECTION_ITERABLE(llext_const_symbol, x##_sym) = { \\
		.name = STRINGIFY(x), .addr = (const void *)&x, \\
	}
#define LL_EXTENSION_SYMBOL(x)
""",
    "3.7": _CONST_SYMBOL
    + _ITEM
    + """\
#define EXPORT_SYMBOL(x) ZEPHYRLIKE_ITEM(x, x)
#define LL_EXTENSION_SYMBOL(x)
""",
    "4.1": _CONST_SYMBOL
    + _ITEM
    + """\
#define EXPORT_SYMBOL_NAMED(sym_ident, sym_name) ZEPHYRLIKE_ITEM(sym_ident, sym_name)
#define EXPORT_SYMBOL(x) EXPORT_SYMBOL_NAMED(x, x)
#define LL_EXTENSION_SYMBOL(x)
""",
    "4.4": _CONST_SYMBOL
    + _ITEM
    + """\
#define ZEPHYRLIKE_ONE1 ZEPHYRLIKE_COMMA,
#define ZEPHYRLIKE_THIRD(first, second, ...) second
#define ZEPHYRLIKE_IF3(comma, yes, no) ZEPHYRLIKE_THIRD(comma yes, no, 0)
#define ZEPHYRLIKE_IF2(flag, yes, no) ZEPHYRLIKE_IF3(ZEPHYRLIKE_ONE##flag, yes, no)
#define ZEPHYRLIKE_IF(flag, yes, no) ZEPHYRLIKE_IF2(flag, yes, no)
#define ZEPHYRLIKE_OPEN(...) __VA_ARGS__
#define ZEPHYRLIKE_OPENED(parenthesised) ZEPHYRLIKE_OPEN parenthesised
#define ZEPHYRLIKE_DISCARDED(group, sym_name) \\
	static const char __used __llext_sym_group_##sym_name[] = STRINGIFY(group);
#define EXPORT_GROUP_SYMBOL_NAMED(group, sym_ident, sym_name) \\
	ZEPHYRLIKE_OPENED(ZEPHYRLIKE_IF(CONFIG_LLEXT_EXPORT_SYMBOL_GROUP_##group, \\
		(ZEPHYRLIKE_ITEM(sym_ident, sym_name)), \\
		(ZEPHYRLIKE_DISCARDED(group, sym_name))))
#define EXPORT_SYMBOL_NAMED(sym_ident, sym_name) \\
	EXPORT_GROUP_SYMBOL_NAMED(UNASSIGNED, sym_ident, sym_name)
#define EXPORT_SYMBOL(x) EXPORT_SYMBOL_NAMED(x, x)
#define LL_EXTENSION_SYMBOL(x)
""",
}


#: Where Zephyr's own STRUCT_SECTION_ITERABLE puts an entry, for linker scripts like Zephyr's.
LIKE_ZEPHYR = """\
#undef STRUCT_SECTION_ITERABLE
#define STRUCT_SECTION_ITERABLE(type, name) ZEPHYRLIKE_ENTRY(type, name)
#define ZEPHYRLIKE_ENTRY(type, name) \\
	struct type name __attribute__((section("._" #type ".static." #name "_"), used))
"""


def include_folder(folder: Path, release: str, *, iterable: str = "") -> Path:
    """A folder to give with `-I`, in which `<zephyr/llext/symbol.h>` is that of a release.

    iterable: another STRUCT_SECTION_ITERABLE (`LIKE_ZEPHYR`)
    """
    header = folder / "include" / "zephyr" / "llext" / "symbol.h"
    header.parent.mkdir(parents=True)
    content = "#pragma once\n" + _COMMON + iterable + SYMBOL_H[release]
    header.write_text(content, encoding="utf-8")
    return folder / "include"
