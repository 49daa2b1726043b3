# SPDX-License-Identifier: Apache-2.0
"""Extensions that a build of some leaves alone, as they are in the files that all share.

A raw image without them would erase them from the target, and `llext-build.json` would not know
them. What the last build said of them is in that file and in their blobs.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from west_llext.app.products import Part, file_names
from west_llext.diagnostics import LlextError
from west_llext.elf.read import file_content, object_file
from west_llext.emit.budget import Use, memory_at
from west_llext.emit.build_json import FILE_NAME, SCHEMA
from west_llext.emit.gdb import DebugEntry
from west_llext.emit.raw import Chunk
from west_llext.link.arrange import SECTION_NAMES
from west_llext.link.gaps import apart
from west_llext.model.elf import SHF_ALLOC, FileType, ObjectFile
from west_llext.model.manifest import Manifest, Memory
from west_llext.model.region import PLACEABLE


def kept(folder: Path, manifest: Manifest, built: Collection[str]) -> dict[str, Part]:
    """Extensions of the manifest whose outputs are in a folder, without those in `built`.

    Those are left out that aren't as `llext-build.json` there says, or that lie where the manifest
    has no memory any more.
    """
    parts = {}
    others = {each.name for each in manifest.extensions}.difference(built)
    for name, entry in _entries(folder).items():
        if name not in others:
            continue
        obj = _blob(folder, name, entry)
        part = None if obj is None else _part(name, entry, obj, manifest.base.memories)
        if part is not None:
            parts[name] = part
    return parts


def fitting(parts: Mapping[str, Part], taken: Iterable[Use]) -> dict[str, Part]:
    """Those of the parts that share no address with `taken`, or with a part before them.

    Addresses can be handed out anew, where the lock file was removed.
    """
    found = {}
    ranges = apart(map(_range, taken))
    for name, part in parts.items():
        own = apart(map(_range, part.uses))
        if not any(_is_taken(ranges, *each) for each in own):
            found[name] = part
            for each in own:
                insort(ranges, each)
    return found


def _range(use: Use) -> tuple[int, int]:
    return use.address, use.address + use.size


def _is_taken(ranges: Sequence[tuple[int, int]], low: int, high: int) -> bool:
    # whether one of them, which are sorted and apart, has an address of another one
    last = bisect_left(ranges, (high,)) - 1
    return last >= 0 and ranges[last][1] > low


def _entries(folder: Path) -> dict[str, Any]:
    try:
        data = json.loads(file_content(folder / FILE_NAME))
        if data["schema"] != SCHEMA:
            return {}
        return {str(each["name"]): each for each in data["extensions"]}
    except (LlextError, ValueError, TypeError, KeyError, RecursionError):
        return {}


def _blob(folder: Path, name: str, entry: Any) -> ObjectFile | None:
    # the blob that an entry speaks of
    try:
        content = file_content(folder / file_names(name)["blob"])
        if hashlib.sha256(content).hexdigest() != entry["blob"]["sha256"]:
            return None
        return object_file(content, name)
    except (LlextError, TypeError, KeyError):
        return None


def _part(name: str, entry: Any, obj: ObjectFile, memories: Sequence[Memory]) -> Part | None:
    fixed = obj.file_type == FileType.DYN
    loaded = {
        section.name: (index, section)
        for index, section in enumerate(obj.sections)
        if section.flags & SHF_ALLOC and section.size
    }
    uses = []
    for _, section in loaded.values() if fixed else ():
        memory = memory_at(memories, section.addr)
        if memory is None or section.addr + section.size > memory.end:
            return None
        uses.append(Use(memory.name, name, section.addr, section.size))
    contents = [(section, obj.content(index)) for index, section in loaded.values() if fixed]
    return Part(
        name=name,
        line=json.dumps(entry, separators=(",", ":")),
        uses=tuple(uses),
        chunks=tuple(
            Chunk(section.addr, content, section.size - len(content))
            for section, content in contents
        ),
        debug=DebugEntry(
            name,
            file_names(name)["elf"],
            tuple(
                (each, loaded[each][1].addr if fixed else None)
                for each in map(SECTION_NAMES.__getitem__, PLACEABLE)
                if each in loaded
            ),
        ),
    )
