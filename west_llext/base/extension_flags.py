# SPDX-License-Identifier: Apache-2.0
"""What the base image's compiler flags become for extensions.

Zephyr takes some away and adds others (LLEXT_REMOVE_FLAGS and LLEXT_APPEND_FLAGS in its
cmake/compiler/gcc/target_*.cmake; read in 3.6 to 4.5). What decides about the ABI stays. Ours
differ in what our own link makes up for:

- `-mlong-calls` goes, because branches that don't reach get a veneer, and only those;
- `-O` stays, where Zephyr drops `-Os` and leaves extensions unoptimised;
- `-mthumb` isn't forced on a base image that is in Arm state;
- `-mno-relax` and `-msmall-data-limit=0` aren't added here: the toolchain has them for RISC-V.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

#: Flags that go, whatever the machine is, with why.
_EVERYWHERE = {
    "-fno-pic": "position independence is the toolchain's to decide",
    "-fno-pie": "likewise",
    "-fpic": "likewise",
    "-fPIC": "likewise",
    "-fpie": "likewise",
    "-fPIE": "likewise",
    "-ffunction-sections": "how sections are cut is the toolchain's to decide",
    "-fdata-sections": "likewise",
    "-fno-function-sections": "likewise",
    "-fno-data-sections": "likewise",
    "-mlong-calls": "the link adds what branches need",
    "-mno-relax": "the toolchain adds it",
    "-mrelax": "nothing on the way to the target relaxes",
    "-fdiagnostics-color(=.*)?": "how messages look is up to who reads them",
    "-fno-diagnostics-color": "likewise",
    "-fdiagnostics-urls=.*": "likewise",
    "-f(macro|debug|file|profile)-prefix-map=.*": "it names folders of the machine that built it",
    "-fcallgraph-info.*": "it writes further files",
    "-fstack-usage": "likewise",
    "-save-temps.*": "likewise",
    "-ftest-coverage": "likewise, and what it calls isn't there",
    "-fprofile-(arcs|generate|instr).*": "what it calls isn't there",
    "--coverage": "likewise",
    "-fsanitize=.*": "likewise",
    "-fsanitize-recover=.*": "likewise",
    "-finstrument-functions.*": "likewise",
    "-flto.*": "an extension is linked by itself",
    "-fno-lto": "it is the default",
    "-fuse-linker-plugin": "nothing is linked here",
    "-f(no-)?fat-lto-objects": "an extension is linked by itself",
    "-msmall-data-limit=.*": "the toolchain adds it",
    "-Werror": "a warning in an extension is no error of the base image",
}

#: Settings of machines for which Zephyr drops debug information.
_WITHOUT_DEBUG = ("CONFIG_ARM64", "CONFIG_RISCV", "CONFIG_XTENSA")
#: Xtensa's core is that of the toolchain.
_WITHOUT_CPU = ("CONFIG_XTENSA",)

_GONE = "|".join(f"(?:{each})" for each in _EVERYWHERE)
_DEBUG = r"-g(?:dwarf.*|[0-3]|gdb[0-3]?|split-dwarf|strict-dwarf|z.*)?"
_CPU = r"-mcpu=.*"


def extension_flags(words: Sequence[str], config: Mapping[str, str]) -> tuple[str, ...]:
    """The flags that are left for extensions, in their order.

    words: the base image's, one word each
    config: its Kconfig settings, which say what machine it is
    """
    patterns = [_GONE]
    if any(config.get(each) == "y" for each in _WITHOUT_DEBUG):
        patterns.append(_DEBUG)
    if any(config.get(each) == "y" for each in _WITHOUT_CPU):
        patterns.append(_CPU)
    return tuple(each for each in words if not any(re.fullmatch(one, each) for one in patterns))


#: Flags beside `-m…` that decide whether two objects agree on types and calls.
_ABI = (
    r"-m(?!long-calls|tune=|no-relax|relax).*|-f(un)?signed-(char|bitfields)|-f(no-)?short-enums"
    r"|-fshort-wchar|-fpack-struct.*|-fno-common"
)


def abi_flags(words: Sequence[str]) -> tuple[str, ...]:
    """Those of the base image's flags that every compiler of extensions needs; none has a path."""
    return tuple(each for each in words if re.fullmatch(_ABI, each))
