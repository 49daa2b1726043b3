# SPDX-License-Identifier: Apache-2.0
"""Functions that set an extension up and clean up behind it, and calling one by name.

Who runs code is left open: an emulator, or a test.
"""

from __future__ import annotations

from collections.abc import Callable

from west_llext.loader.errnos import Errno
from west_llext.loader.extension import Llext
from west_llext.loader.log import Log
from west_llext.loader.memory import Memory
from west_llext.loader.target import Target
from west_llext.loader.wording import pointer

#: Runs the function at an address.
Run = Callable[[int], None]


def fn_table(
    target: Target, memory: Memory, ext: Llext, *, setup: bool
) -> tuple[int, tuple[int, ...]]:
    """Bytes of the table of functions that set up or clean up, and what is in it."""
    mem, word = target.mem, target.pointer
    regions = (mem.preinit, mem.init) if setup else (mem.fini,)
    sizes = [ext.mem_size[number] for number in regions]
    raw = b"".join(
        memory.read(ext.mem[number], size, "the table of functions")
        for number, size in zip(regions, sizes, strict=True)
        if size
    )
    entries = tuple(
        int.from_bytes(raw[at : at + word], target.endian)
        for at in range(0, len(raw) // word * word, word)
    )
    return sum(sizes), entries


def call_table(
    target: Target, memory: Memory, ext: Llext, log: Log, run: Run, *, setup: bool
) -> int:
    """Run them in order; -EFAULT for one outside of the code.

    Before 4.5 nothing runs where one of them is; later those in front of it have run.
    """
    _, entries = fn_table(target, memory, ext, setup=setup)
    checked_first = not target.rules.collects_errors
    text = target.mem.text
    start, size = ext.mem[text], ext.mem_size[text]
    for number, entry in enumerate(entries):
        if not start <= entry < start + size:
            what = "bringup" if setup else "teardown"
            log.err(f"{what} function {number} ({pointer(entry)}) outside text region")
            if checked_first:
                log.err(f"Failed to get function table: {-Errno.EFAULT}")
            return -Errno.EFAULT
        if not checked_first:
            run(entry)
    if checked_first:
        for entry in entries:
            run(entry)
    return 0
