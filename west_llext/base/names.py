# SPDX-License-Identifier: Apache-2.0
"""Symbols that nobody wrote: what Zephyr's build and compilers make of source code, in words."""

from __future__ import annotations

import re
from collections.abc import Callable

from west_llext.model.base import Origin

#: The path of a devicetree node by its ordinal, or None.
NodePath = Callable[[int], "str | None"]

_DEVICE = r"__device_dts_ord_(\d{1,9})"
_NODE_PATH = r'^#define (DT_N\w*?)_PATH "([^"]*)"'
_NODE_ORD = r"^#define (DT_N\w*?)_ORD (\d{1,9})$"

#: What Zephyr's scripts/build/gen_syscalls.py makes of a system call.
_SYSCALLS = (("z_impl_", "the system call"), ("z_mrsh_", "the entry of system call"))

#: What compilers call by themselves and bring along: the run-time ABI for the Arm Architecture,
#: "Helper functions", without what belongs to C++ libraries; and gcc's names, an operation and the
#: modes that it is for (GCC internals, "The GCC low-level runtime library")
_HELPERS = (
    r"__(aeabi_(?!atexit|unwind).*|gnu_(?!mcount).*"
    r"|(u?divmod|u?div|u?mod|addv?|subv?|u?mulv?|negv?|absv|ash[lr]|lshr|clz|ctz|ffs|parity"
    r"|popcount|bswap|u?cmp|clrsb|eq|ne|[lg][te]|unord|extend|trunc|fix(uns)?|float(uns?)?|powi)"
    r"([hsdtx][fci]){1,2}[2-4]?|riscv_(save|restore)_\d+|atomic_\w+|sync_\w+)"
)
#: Of C++, beside that: with the flags of `toolchain.flags` it is `atexit` (Itanium C++ ABI, 3.3.6.3
#: and 3.2.6; the one for Arm, 3.2.4)
_OF_CPP = {
    **dict.fromkeys(
        ("atexit", "__cxa_atexit", "__aeabi_atexit", "__dso_handle"),
        (Origin.DESTRUCTORS, "for destructors of static objects"),
    ),
    **dict.fromkeys(
        ("__cxa_pure_virtual", "__cxa_deleted_virtual"),
        (Origin.LANGUAGE, "in place of a pure virtual function"),
    ),
    # sizes are `unsigned int` (j) or `unsigned long` (m)
    **dict.fromkeys(("_Znwj", "_Znwm", "_Znaj", "_Znam"), (Origin.LANGUAGE, "for 'new'")),
    **dict.fromkeys(
        ("_ZdlPv", "_ZdlPvj", "_ZdlPvm", "_ZdaPv", "_ZdaPvj", "_ZdaPvm"),
        (Origin.LANGUAGE, "for 'delete' and virtual destructors"),
    ),
}


def about(name: str, node: NodePath) -> tuple[Origin, str | None]:
    """What a symbol stands for, and that as a noun phrase; None for one that somebody wrote.

    node: of the base image's devicetree
    """
    device = re.fullmatch(_DEVICE, name)
    if device is not None:
        path = node(int(device[1]))
        where = f"node '{path}'" if path else f"the devicetree node with number {device[1]}"
        return Origin.DEVICE, f"the device of {where}"
    for prefix, words in _SYSCALLS:
        if name.startswith(prefix):
            return Origin.SYSCALL, f"{words} '{name[len(prefix) :]}'"
    if re.fullmatch(_HELPERS, name):
        return Origin.HELPER, "a compiler helper"
    return _OF_CPP.get(name, (Origin.SOURCE, None))


def node_paths(text: str) -> dict[int, str]:
    """Paths of nodes by ordinal, in a `devicetree_generated.h`.

    Zephyr keeps them in edt.pickle, too; but unpickling runs whatever is in the file.
    """
    paths = dict(re.findall(_NODE_PATH, text, re.MULTILINE))
    return {
        int(number): paths[macro]
        for macro, number in re.findall(_NODE_ORD, text, re.MULTILINE)
        if macro in paths
    }
