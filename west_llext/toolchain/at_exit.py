# SPDX-License-Identifier: Apache-2.0
"""Destructors of static objects where clang compiles: they run when the extension is torn down.

Without `__cxa_atexit`, gcc puts the destructors of a file's objects into .fini_array. clang calls
`atexit` for each of them: an import, and a base image that has it would keep pointers into an
extension that is gone. So each source that clang compiles as C++ begins with a definition of its
own, which makes code only where it is called, and once however many sources call it (COMDAT).
"""

from __future__ import annotations

from west_llext.toolchain.flags import Kind, Language

HEADER_NAME = "at_exit.h"
#: The C standard (7.22.4.2) asks for room for 32 functions; what doesn't fit isn't run. Names are
#: such as nobody gives to a macro: those of the manifest are defined already.
HEADER_TEXT = b"""\
/* made by west-llext: destructors of static objects run when the extension is torn down */
#pragma GCC system_header /* no warning is about it */
#define WEST_LLEXT_HIDDEN __attribute__((visibility("hidden")))
namespace west_llext {
struct at_exit_list {
	void (*at_exit_functions[32])();
	unsigned int at_exit_count;
};
template <int> struct WEST_LLEXT_HIDDEN at_exit_once {
	static at_exit_list at_exit_all;
	static void (*at_exit_entry)();
	static void at_exit_run()
	{
		while (at_exit_all.at_exit_count)
			at_exit_all.at_exit_functions[--at_exit_all.at_exit_count]();
	}
};
template <int at_exit_0> at_exit_list at_exit_once<at_exit_0>::at_exit_all;
template <int at_exit_0> __attribute__((section(".fini_array")))
void (*at_exit_once<at_exit_0>::at_exit_entry)() = at_exit_run;
} // namespace west_llext
extern "C" int west_llext_at_exit(void (*at_exit_function)()) __asm__("atexit");
extern "C" inline WEST_LLEXT_HIDDEN int west_llext_at_exit(void (*at_exit_function)())
{
	typedef west_llext::at_exit_once<0> at_exit_0;
	west_llext::at_exit_list &at_exit_all = at_exit_0::at_exit_all;
	/* the entry is there where this function is */
	__asm__ volatile("" : : "g"(&at_exit_0::at_exit_entry));
	if (at_exit_all.at_exit_count == sizeof(at_exit_all.at_exit_functions) / sizeof(void (*)()))
		return -1;
	at_exit_all.at_exit_functions[at_exit_all.at_exit_count++] = at_exit_function;
	return 0;
}
#undef WEST_LLEXT_HIDDEN
"""


def at_exit_flags(kind: Kind, language: Language, folder: str) -> tuple[str, ...]:
    """Flags that a source is compiled with; none where the compiler needs no help.

    folder: where the header is, as commands spell it
    """
    if kind is Kind.GCC or language is not Language.CPP:
        return ()
    # objects are the same wherever they go; clang may spell the folder as it has found it, from `.`
    maps = (f"-ffile-prefix-map={start}{folder}=west-llext" for start in ("", "./"))
    return ("-include", f"{folder}/{HEADER_NAME}", *maps)
