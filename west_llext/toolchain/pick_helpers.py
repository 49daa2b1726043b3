# SPDX-License-Identifier: Apache-2.0
"""A step of the build: adds to an object those compiler helpers that it needs.

    python pick_helpers.py OBJECT ARCHIVE OUTPUT LINKER…

LINKER is a command of lld that merges objects (`-r`). The helpers are cut out of ARCHIVE by its
garbage collection, which starts from the object's undefined symbols. Runs by itself, outside the
package, in an interpreter without it.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

_SHT_SYMTAB = 2
_ARCHIVE_MAGIC = b"!<arch>\n"


def main(arguments: Sequence[str]) -> int:
    """Exit status: that of the linker, or 0."""
    bare, archive, output, *linker = arguments
    needed = sorted(_undefined(Path(bare).read_bytes()) & _archive_names(Path(archive)))
    if not needed:
        Path(output).write_bytes(Path(bare).read_bytes())
        return 0
    helpers = f"{output}.helpers"
    roots = [word for name in needed for word in ("-u", name)]
    try:
        cut = [*linker, "--gc-sections", "-o", helpers, *roots, archive]
        status = subprocess.run(cut, check=False).returncode
        if status == 0:
            merge = [*linker, "-o", output, bare, helpers]
            status = subprocess.run(merge, check=False).returncode
    finally:
        if os.path.exists(helpers):  # noqa: PTH110
            os.unlink(helpers)  # noqa: PTH108
    return status


def _undefined(data: bytes) -> set[str]:
    # helpers have names of the implementation; memcpy and fma are for the base to export
    return {name for name, section in _symbols(data) if not section and name.startswith("__")}


def _symbols(data: bytes) -> Iterator[tuple[str, int]]:
    # names of the global symbols with their section index
    order = "<" if data[5] == 1 else ">"
    wide = data[4] == 2
    offset = struct.unpack_from(order + ("Q" if wide else "I"), data, 40 if wide else 32)[0]
    size, count, _ = struct.unpack_from(order + "HHH", data, 58 if wide else 46)
    layout = order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII")
    if count == 0:
        count = struct.unpack_from(layout, data, offset)[5]
    headers = [struct.unpack_from(layout, data, offset + index * size) for index in range(count)]
    for header in headers:
        if header[1] != _SHT_SYMTAB:
            continue
        names = headers[header[6]][4]
        raw = data[header[4] : header[4] + header[5]]
        for row in struct.iter_unpack(order + ("IBBHQQ" if wide else "IIIBBH"), raw):
            info, section = (row[1], row[3]) if wide else (row[3], row[5])
            if info >> 4:
                start = names + row[0]
                yield data[start : data.index(b"\0", start)].decode("utf-8", "replace"), section


def _archive_names(path: Path) -> set[str]:
    # every member is read, rather than the archive's own index, of which there are many forms
    data = path.read_bytes()
    names: set[str] = set()
    offset = len(_ARCHIVE_MAGIC)
    while data.startswith(_ARCHIVE_MAGIC) and offset + 60 <= len(data):
        size = int(data[offset + 48 : offset + 58])
        member = data[offset + 60 : offset + 60 + size]
        if member.startswith(b"\x7fELF"):
            names |= {name for name, section in _symbols(member) if section}
        offset += 60 + size + size % 2
    return names


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
