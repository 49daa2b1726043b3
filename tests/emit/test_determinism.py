# SPDX-License-Identifier: Apache-2.0
"""The same input gives the same bytes, whatever the hash seed, the folder and the day."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

EVERYTHING = """
from support.linked import FILES, MEMORIES, prelocated, relocatable
from west_llext.emit import (
    build_json, exports_c, exports_h, gdb, map as map_text, raw, summary,
)
from west_llext.emit.budget import budgets, uses
from west_llext.emit.exports_c import Flavour
from west_llext.emit.trim import trimmed
from west_llext.model.manifest import Condition, ExportGroup, Name

origin = "app/llext.yml"
names = [f"symbol_{number}" for number in range(50)]
groups = [
    ExportGroup(
        group=f"group{part % 3}",
        symbols=tuple(Name(each) for each in names[part::5]),
        when=Condition(text=f"CONFIG_X{part}") if part else None,
    )
    for part in range(5)
]
linked = [prelocated(), relocatable(), prelocated("motor", rom=0x21000800, ram=0x21040100)]
found = budgets(MEMORIES, [use for each in linked for use in uses(each, MEMORIES)])
images = raw.images(MEMORIES, [chunk for each in linked for chunk in raw.chunks(each)])
lines = [
    build_json.extension_line(each, files=FILES, blob=b"x", memories=MEMORIES) for each in linked
]
outputs = {
    **{each.value + ".c": exports_c.text(groups, flavour=each, origin=origin) for each in Flavour},
    **{each.value + ".h": exports_h.text(groups, flavour=each, origin=origin) for each in Flavour},
    "trimmed": repr(trimmed(groups, set(names[::3]), bits=32)),
    "gdb": gdb.text([gdb.entry(each, each.name + ".elf") for each in linked], origin=origin),
    "json": build_json.text(build_json.Report(origin=origin, base=None, budgets=found), lines),
    "summary": summary.text([summary.row(each, 100) for each in linked], found, width=80),
    **{each.name: map_text.text(each, origin=origin) for each in linked},
    **{each.memory.name + ".bin": raw.binary(each).hex() for each in images},
    **{each.memory.name + ".hex": raw.intel_hex(each) for each in images},
}
for name, content in outputs.items():
    print(name, content)
"""


def everything(folder: Path, seed: str) -> str:
    environment = {
        **os.environ,
        "PYTHONHASHSEED": seed,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
        "TZ": f"UTC{seed}",
    }
    done = subprocess.run(
        [sys.executable, "-c", EVERYTHING],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_hash_seed_folder_and_time_zone_change_nothing(tmp_path: Path) -> None:
    """Every emitter, in processes that differ in all of these."""
    (tmp_path / "elsewhere").mkdir()
    first = everything(tmp_path, "1")
    assert first.count("\n") > 500
    assert first == everything(tmp_path / "elsewhere", "2")
    assert str(tmp_path) not in first
    assert str(ROOT) not in first
