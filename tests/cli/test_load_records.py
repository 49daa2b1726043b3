# SPDX-License-Identifier: Apache-2.0
"""`load --json` against recorded results: options and keys say what the records say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support import records
from support.commands import command
from support.records import Record

SINGLE = [each for each in records.records() if each["kind"] == "single"]


def _of(*outcomes: str) -> list[Any]:
    found = [pytest.param(each, id=each["id"]) for each in SINGLE if each["outcome"] in outcomes]
    missing = pytest.param(None, marks=pytest.mark.skip(reason=records.REASON))
    return found or [missing]


def _words(record: Record) -> list[str]:
    options, arch, place = record["load"], record["arch"], records.folder()
    assert place is not None
    words = ["load", f"{options['name']}={place / record['file']}", "--arch", arch, "--json"]
    words += ["--base-symbols", str(place / f"base-{arch}.json"), "--storage", options["storage"]]
    words += ["--buffer-address", options["buf_addr"]]
    words += ["--pre-located"] * options["pre_located"]
    words += ["--no-relocate-local"] * (not options["relocate_local"])
    return words + ["--keep-section-info"] * options["keep_section_info"]


def _expected(record: Record) -> dict[str, Any]:
    if record["rc"] < 0:
        return {"result": record["rc"], "log": record["log"]}
    return {
        "name": record["load"]["name"],
        "result": record["rc"],
        "log": record["log"],
        "use_count": record["use_count"],
        "alloc_size": record["alloc_size"],
        "regions": {
            name: (int(each["addr"], 0), each["size"], each["on_heap"], each.get("bytes"))
            for name, each in record["regions"].items()
        },
        "exports": [(each["name"], int(each["addr"], 0)) for each in record["exports"]],
        "dependencies": [],
    }


def _found(load: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    if load["result"] < 0:
        return {"result": load["result"], "log": load["log"]}
    kept = expected.get("regions", {})
    # the records hold the bytes of some regions, and 200 bytes of a name
    regions = {
        each["name"]: (
            each["address"],
            each["size"],
            each["on_heap"],
            each["data"] if kept.get(each["name"], (None,))[-1] is not None else None,
        )
        for each in load["regions"]
    }
    exports = [
        (None if each["name"] is None else each["name"][: records.NAME], each["address"])
        for each in load["exports"]
    ]
    return {**load, "regions": regions, "exports": exports}


@pytest.mark.parametrize("record", _of("ok", "error"))
def test_the_command_prints_what_the_target_did(record: Record, tmp_path: Path) -> None:
    """Where the heap puts everything follows from the base image's JSON."""
    ran = command(*_words(record), folder=tmp_path)
    assert ran.status == (1 if record["rc"] < 0 else 0)
    document = json.loads(ran.out)
    assert document.keys() == {"schema", "loads"}
    (load,) = document["loads"]
    expected = _expected(record)
    assert _found(load, expected) == expected


@pytest.mark.parametrize("record", _of("ok"))
def test_regions_go_where_options_put_them(record: Record, tmp_path: Path) -> None:
    """Without a heap at the target's place, addresses and bytes are the same."""
    words = _words(record)
    symbols = tmp_path / "symbols.json"
    symbols.write_text(json.dumps(records.base(record["arch"])["symbols"]), encoding="utf-8")
    words[words.index("--base-symbols") + 1] = str(symbols)
    for name, each in record["regions"].items():
        words += ["--region-address", f"{name}={each['addr']}"]
    (load,) = json.loads(command(*words, folder=tmp_path).out)["loads"]
    expected = _expected(record)
    found = _found(load, expected)
    assert found == expected


@pytest.mark.parametrize("record", _of("fault", "undefined"))
def test_the_command_refuses_what_harmed_the_target(record: Record, tmp_path: Path) -> None:
    """With a code that names the danger."""
    ran = command(*_words(record), folder=tmp_path)
    assert (ran.status, json.loads(ran.out)) == (1, {"schema": 1, "loads": []})
    assert re.search(r": error\[L02[1-4]\]: 'case' must not be given to the target: ", ran.err)
