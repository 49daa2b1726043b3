# SPDX-License-Identifier: Apache-2.0
"""What the tool itself has written and somebody may have changed: the lock file, and the records
in an output folder. The first byte chooses which; a damaged record is as good as none.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tests.fuzz.objects import kinds, whole
from tests.fuzz.target import Target, attempt, scratch
from tests.fuzz.targets import link
from tests.fuzz.text_steps import text_mutated
from west_llext.app import kept, state
from west_llext.app.lockfile import lockfile, reserved
from west_llext.emit.outputs import Outputs, Stale
from west_llext.model.manifest import Mode
from west_llext.toolchain.state import unchanged

_WORDS = (
    *(
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"',
        "null",
        "true",
        "0",
        "-1",
        "1e400",
        "NaN",
        "\\ud800",
        "\n",
    ),
    *('"schema"', '"blocks"', '"extensions"', '"sha256"', '"0x100000"', "9" * 5000, "../../x"),
    *("\x00", "/etc/passwd", "[" * 5000, ".west-llext/", "é", "west-llext objects 1 "),
)
_LOCK = """\
{"schema": 1, "blocks": [
{"extension": "unit", "memory": "rom", "address": "0x100000", "size": 64},
{"extension": "peer", "memory": "ram", "address": "0x20100000", "size": 16}
]}
"""


def seeds() -> dict[str, bytes]:
    """Each record as it is written."""
    folder = _folder()
    record = state.State(key="k", count=1, plan="", inputs={"a": "00"}, outputs={"b": "11"})
    return {
        "lock": b"\0" + _LOCK.encode(),
        "build": b"\1" + (folder / "llext-build.json").read_bytes(),
        "state": b"\2" + state.text(record).encode(),
        "outputs": b"\3# west-llext: the files below are its outputs\nold.llext\nsub/old.map\n",
        "objects": b"\4west-llext objects 1 abc\n12 1700000000000000000 a.o\n",
    }


@cache
def _folder() -> Path:
    # an output folder with a build in it
    kind = kinds()[0]
    start, outcome = link.linked(whole(kind), Mode.PRELOCATED)
    folder = scratch("records")
    (folder / "llext-build.json").write_text(link.report(start, outcome), encoding="utf-8")
    (folder / "unit.llext").write_bytes(link.blob(whole(kind), Mode.PRELOCATED))
    (folder / ".west-llext").mkdir(exist_ok=True)
    return folder


def _lock(data: bytes) -> bool:
    folder = _folder()
    (folder / "llext.lock").write_bytes(data)
    found = lockfile(folder / "llext.yml", "llext.yml")
    start, _ = link.linked(b"", Mode.PRELOCATED)
    reserved(found.rows, start.manifest, ["user"])
    return True


def _build(data: bytes) -> bool:
    folder = scratch("records-build")
    (folder / "llext-build.json").write_bytes(data)
    (folder / "unit.llext").write_bytes((_folder() / "unit.llext").read_bytes())
    start, _ = link.linked(b"", Mode.PRELOCATED)
    found = kept.kept(folder, start.manifest, ["peer", "user"])
    uses = [use for part in found.values() for use in part.uses]
    kept.fitting(found, uses[:1])
    for part in found.values():
        json.loads(part.line)
    return bool(found)


def _state(data: bytes) -> bool:
    folder = scratch("records-state")
    (folder / ".west-llext").mkdir(exist_ok=True)
    (folder / state.STATE_FILE).write_bytes(data)
    assert state.unchanged(str(folder), str(folder), "k") is None  # its files aren't there
    return True


def _outputs(data: bytes) -> bool:
    folder = scratch("records-outputs") / "out"
    record = folder / ".west-llext" / "outputs.txt"
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_bytes(data)
    beside = folder.parent / "beside"
    beside.touch()
    Outputs(folder).commit(Stale.REMOVE)
    assert beside.exists()
    return True


def _objects(data: bytes) -> bool:
    folder = scratch("records-objects")
    (folder / "objects.state").write_bytes(data)
    assert not unchanged(folder, folder, "abc") or data.count(b"\n") < 2
    return True


_READERS: tuple[Callable[[bytes], bool], ...] = (_lock, _build, _state, _outputs, _objects)


def run(data: bytes) -> bool:
    """Read one record."""
    read = _READERS[(data[0] if data else 0) % len(_READERS)]
    return bool(attempt(lambda: read(data[1:])))


TARGET = Target(name="records", seeds=seeds, run=run, mutate=text_mutated(_WORDS))
