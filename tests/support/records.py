# SPDX-License-Identifier: Apache-2.0
"""Records of what a loader did on emulated targets (`loader-truth/`; its README is the authority).

They aren't part of the repository: they are looked for beside it, or where the environment variable
WEST_LLEXT_LOADER_TRUTH says. Tests that need them are skipped by name where they are missing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from west_llext.loader.danger import Danger
from west_llext.loader.extension import Llext, LoadParameters
from west_llext.loader.storage import BufferLoader, Storage
from west_llext.loader.system import Loaded, System
from west_llext.loader.target import HeapPlan, Machine, Target

REASON = "the records of a loader (loader-truth) are neither beside the repository nor named"
#: Bytes of an exported name that the records keep.
NAME = 200
TABLES = ("symtab", "strtab", "shstrtab")

Record = Mapping[str, Any]


def folder() -> Path | None:
    """Where the records are."""
    named = os.environ.get("WEST_LLEXT_LOADER_TRUTH")
    checkout = Path(__file__).resolve().parents[2]
    found = Path(named) if named else checkout.parent / "shared" / "loader-truth"
    return found if (found / "cases.json").is_file() else None


@cache
def records() -> tuple[Record, ...]:
    """All of them; none where there are none."""
    place = folder()
    return () if place is None else tuple(json.loads((place / "cases.json").read_text()))


def content(name: str) -> bytes:
    """The bytes of an input."""
    place = folder()
    return b"" if place is None else (place / name).read_bytes()


@cache
def base(arch: str) -> Record:
    """What the base image exports, and its heap."""
    place = folder()
    found: Record = {} if place is None else json.loads((place / f"base-{arch}.json").read_text())
    return found


def system(arch: str) -> System:
    """A fresh target of the records' configuration."""
    known = base(arch)
    target = Target(
        machine=Machine.ARM if arch == "arm" else Machine.RISCV,
        bits=64 if arch == "riscv64" else 32,
        heap=HeapPlan(
            address=int(known["heap"]["addr"], 16), size=known["heap"]["size"], statistics=True
        ),
        symbols={name.encode(): int(addr, 16) for name, addr in known["symbols"].items()},
    )
    return System(target)


def load(on: System, name: str, data: bytes, options: Record) -> Loaded:
    """Load as a record says; raises Danger."""
    loader = BufferLoader(
        memory=on.memory,
        address=int(options["buf_addr"], 16),
        data=data,
        storage=Storage(options.get("storage", "temporary")),
        bits=on.target.bits,
    )
    parameters = LoadParameters(
        relocate_local=options.get("relocate_local", True),
        pre_located=options.get("pre_located", False),
        keep_section_info=options.get("keep_section_info", False),
    )
    return on.load(loader, name, None if options.get("param_null") else parameters)


def outcome(on: System, loaded: Loaded) -> dict[str, Any]:
    """What came of it, in the words of a record."""
    found: dict[str, Any] = {
        "rc": loaded.result,
        "log": [{"level": each.level, "text": each.text} for each in loaded.log],
    }
    if loaded.ext is not None:
        found |= _extension(on, loaded.ext)
    return found


def _extension(on: System, ext: Llext) -> dict[str, Any]:
    return {
        "alloc_size": ext.alloc_size,
        "use_count": ext.use_count,
        "sect_cnt": ext.sect_cnt,
        "sect_hdrs_on_heap": ext.sect_hdrs_on_heap,
        "regions": _regions(on, ext),
        "exports": [{"name": _text(on, each.name), "addr": hex(each.addr)} for each in ext.exp_tab],
        "fn_table": {
            name: {"size": size, "entries": [hex(each) for each in entries]}
            for name, (size, entries) in (
                ("init", on.fn_table(ext, setup=True)),
                ("fini", on.fn_table(ext, setup=False)),
            )
        },
    }


def _regions(on: System, ext: Llext) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, name in enumerate(on.target.mem.names):
        size, start = ext.mem_size[number], ext.mem[number]
        if size:
            found[name] = {"addr": hex(start), "size": size, "on_heap": ext.mem_on_heap[number]}
            if name not in TABLES and start and size <= 4096:
                found[name]["bytes"] = on.memory.read(start, size, name).hex()
    return found


def _text(on: System, address: int) -> str | None:
    try:
        return on.memory.string(address, "a name")[:NAME].decode("latin-1")
    except Danger:
        return None


def expected(record: Record) -> dict[str, Any]:
    """What a record says, as far as `outcome` does."""
    keys = ["rc", "log"]
    if record["rc"] >= 0:
        keys += ["alloc_size", "use_count", "sect_cnt", "sect_hdrs_on_heap", "regions", "exports"]
        keys += ["fn_table"]
    found = {key: record[key] for key in keys}
    if "regions" in found:
        found["regions"] = {
            name: {key: value for key, value in region.items() if key != "sha256"}
            for name, region in found["regions"].items()
        }
    return found
