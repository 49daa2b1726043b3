# SPDX-License-Identifier: Apache-2.0
"""Compiler helpers (`__aeabi_uldivmod` and its like) out of zig's library.

gcc and clang have theirs as an archive with a member for each. Zig compiles its library for every
target anew, into a single object, so that a linker would pull in all of it: the wanted functions
are cut out first, in a step of its own (`pick_helpers.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from west_llext.toolchain.compiler import Compiler
from west_llext.toolchain.zig import zig_target

_SCRIPT = Path(__file__).with_name("pick_helpers.py")

#: The library's root module, which zig asks for; the library itself is `-fcompiler-rt`
ROOT_NAME = "helpers.zig"
ROOT_TEXT = b"// made by west-llext: an empty root module\n"


def helper_archive(
    compiler: Compiler, flags: Sequence[str], folder: str
) -> tuple[str, tuple[str, ...]]:
    """Where the library for these flags goes, and the command that makes it.

    flags: in gcc's spelling
    folder: the folder for objects, as commands spell it
    """
    target = zig_target(flags, machine=compiler.machine, triple=compiler.triple)
    words = target.words if target else ()
    key = hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
    archive = f"{folder}/@helpers/{key}.a"
    return archive, (
        *(str(compiler.path), "build-lib", *words),
        *("-OReleaseSmall", "-fstrip", "-fcompiler-rt", "--name", "helpers"),
        *(f"-femit-bin={archive}", f"{folder}/{ROOT_NAME}"),
    )


def helper_step(
    python: str, linker: Sequence[str], bare: str, archive: str, output: str
) -> tuple[str, ...]:
    """The command that adds to an object the helpers that it needs.

    bare: the object without them; linker: words of a command that merges objects
    """
    return (python, "-I", "-S", str(_SCRIPT), bare, archive, output, *linker)
