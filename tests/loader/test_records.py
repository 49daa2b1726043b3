# SPDX-License-Identifier: Apache-2.0
"""The model against recorded results of a loader on emulated targets: every one agrees."""

from __future__ import annotations

from typing import Any

import pytest
from support import records
from support.records import Record

from west_llext.loader.danger import Danger
from west_llext.loader.extension import Llext
from west_llext.loader.system import System


def _of(*outcomes: str) -> list[Any]:
    found = [
        pytest.param(each, id=each["id"])
        for each in records.records()
        if each["outcome"] in outcomes
    ]
    missing = pytest.param(None, marks=pytest.mark.skip(reason=records.REASON))
    return found or [missing]


@pytest.mark.parametrize("record", _of("ok", "error"))
def test_a_load_does_what_the_target_did(record: Record) -> None:
    """Result, log, regions with every byte, exports, function tables, heap; and the unload."""
    system = records.system(record["arch"])
    options = record["load"]
    loaded = records.load(system, options["name"], records.content(record["file"]), options)
    assert records.outcome(system, loaded) == records.expected(record)
    heap = record["heap"]
    assert (loaded.peak, loaded.live) == (heap["peak"], heap["live"])
    if loaded.ext is not None:
        assert system.unload(loaded.ext) == record["unload_rc"]
        assert system.heap.live == heap["live_after_unload"]


@pytest.mark.parametrize("record", _of("fault", "undefined"))
def test_what_harmed_the_target_is_refused(record: Record) -> None:
    """The processor faulted, or the result hung on memory outside of the file."""
    system = records.system(record["arch"])
    options = record["load"]
    with pytest.raises(Danger) as danger:
        records.load(system, options["name"], records.content(record["file"]), options)
    assert danger.value.code in ("L021", "L022", "L023", "L024")


@pytest.mark.parametrize("record", _of("sequence"))
def test_a_sequence_does_what_the_target_did(record: Record) -> None:
    """Loads, unloads and use counts, on a heap that is more and more in pieces."""
    system = records.system(record["arch"])
    slots: dict[int, Llext | None] = {}
    for step in record["steps"]:
        match step["op"]:
            case "load":
                data = records.content(record["blobs"][step["slot"]]["file"])
                loaded = records.load(system, step["name"], data, step)
                slots[step["slot"]] = loaded.ext
                assert records.outcome(system, loaded) == records.expected(step)
            case "unload":
                ext = slots.get(step["slot"])
                assert (None if ext is None else system.unload(ext)) == step["rc"]
            case "info":
                assert _info(system) == step["loaded"]
        if "heap" in step:
            assert system.heap.live == step["heap"]["live"]


def _info(system: System) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name.decode(),
            "use_count": each.use_count,
            "depends_on": [other.name.decode() for other in each.dependency],
        }
        for each in system.extensions()
    ]
