# SPDX-License-Identifier: Apache-2.0
"""llext-build.json, judged by its JSON Schema."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from support.linked import ARM, FILES, MEMORIES, prelocated, relocatable

from west_llext.emit.budget import budgets, uses
from west_llext.emit.build_json import Report, extension_line, text, with_load
from west_llext.model.base import EMPTY_INDEX, Abi, BaseImage
from west_llext.model.link import Export, Import, Linked

SCHEMA = Path(__file__).parents[2] / "schemas" / "llext-build.schema.json"
BLOB = b"\x7fELF and so on"
BASE = BaseImage(
    name="build/zephyr.elf",
    digest="b5" * 32,
    abi=Abi(ident=ARM),
    symbols=EMPTY_INDEX,
    exports=None,
    zephyr_version="4.3.0",
)
REPORT = Report(
    origin="app/llext.yml",
    base=BASE,
    exports="e4" * 32,
    budgets=budgets(MEMORIES, uses(prelocated(), MEMORIES)),
    images={"ext_rom": {"hex": "ext_rom.hex", "bin": "ext_rom.bin"}},
    digests={"ext_rom": {"hex": "a1" * 32, "bin": "a2" * 32}},
    files={"gdb": "llext.gdb", "exports-c": "llext_exports.c"},
)


def line(linked: Linked) -> str:
    return extension_line(linked, files=FILES, blob=BLOB, memories=MEMORIES)


def strict(schema: Any) -> Any:
    """The schema without room for keys that it does not describe."""
    if isinstance(schema, dict):
        closed = {key: strict(value) for key, value in schema.items()}
        if "properties" in schema:
            closed["additionalProperties"] = False
        return closed
    return [strict(each) for each in schema] if isinstance(schema, list) else schema


def complaints(document: str) -> list[str]:
    schema = json.loads(SCHEMA.read_text())
    return [
        error.message
        for error in Draft202012Validator(strict(schema)).iter_errors(json.loads(document))
    ]


def test_the_schema_is_a_schema_and_describes_every_key() -> None:
    """Draft 2020-12."""
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    silent = [
        f"{name}.{key}"
        for name, part in {"": schema, **schema["$defs"]}.items()
        for key, value in part.get("properties", {}).items()
        if "description" not in value
        and "$ref" not in value
        and key not in {"byte-order", "relocations"}
    ]
    assert silent == []


def test_a_whole_file_fits_its_schema() -> None:
    """Every mode, with everything that a line can have."""
    bound = replace(relocatable("bound"), identity="1d" * 32)
    lines = [line(prelocated()), line(relocatable()), line(bound)]
    assert complaints(text(REPORT, lines)) == []
    assert complaints(text(Report(origin="x", base=None), [])) == []
    assert complaints(text(REPORT, lines).replace('"mode"', '"mood"')) != []


def test_an_extension_is_one_line_with_everything() -> None:
    """Values from tests/support/linked.py."""
    document = text(REPORT, [line(relocatable()), line(prelocated())])
    assert sum(each.startswith('{"name":"filters"') for each in document.splitlines()) == 1
    assert json.loads(document)["extensions"][1] == {
        "name": "filters",
        "mode": "prelocated",
        "machine": 40,
        "bits": 32,
        "byte-order": "little",
        "identity": "5d" * 32,
        "blob": {"sha256": hashlib.sha256(BLOB).hexdigest(), "size": len(BLOB)},
        "files": {"blob": "filters.llext", "elf": "filters.elf", "map": "filters.map"},
        "regions": {
            "text": region(".text", 64, 4, "0x21000100", "ext_rom"),
            "data": region(".data", 4, 4, "0x21040020", "ext_ram"),
            "rodata": region(".rodata", 8, 8, "0x21000140", "ext_rom"),
            "bss": region(".bss", 12, 4, "0x21040024", "ext_ram"),
        },
        "imports": {
            "base": {"memcpy": "0x1235", "printk": "0x1001", "trace": None},
            "extensions": {"mathlib": {"mean": "0x21000801"}},
            "weak": ["trace"],
        },
        "exports": {
            "run": exported("text", 1, 32, "0x21000101", function=True),
            "state": exported("data", 0, 4, "0x21040020", function=False),
        },
        "relocations": {"applied": {"R_ARM_ABS32": 2, "R_ARM_THM_CALL": 5}, "left": {}},
        "veneers": ["printk"],
    }


LOAD = {
    "copied": 776,
    "cleared": 80,
    "compared": 48,
    "relocated": 21,
    "instructions": None,
    "heap-peak": 1204,
    "heap-kept": 1084,
    "modes": {"bound": {"instructions": 25014, "heap-peak": 1124, "heap-kept": 1004}},
}


def test_a_line_can_tell_what_the_load_costs() -> None:
    """At its end, so that the rest of it stays as it is."""
    plain = line(prelocated())
    found = with_load(plain, LOAD)
    assert json.loads(found) == {**json.loads(plain), "load": LOAD}
    assert found.startswith(plain[:-1])
    document = text(REPORT, [found])
    assert complaints(document) == []
    assert complaints(document.replace('"heap-kept":1084', '"heap-kept":-1')) != []
    assert complaints(document.replace('"bound":', '"other":')) != []


def region(section: str, size: int, align: int, address: str, memory: str) -> dict[str, Any]:
    return {"section": section, "size": size, "align": align, "address": address, "memory": memory}


def exported(where: str, offset: int, size: int, address: str, *, function: bool) -> dict[str, Any]:
    return {
        "region": where,
        "offset": offset,
        "size": size,
        "function": function,
        "address": address,
    }


def test_what_the_target_decides_has_no_address() -> None:
    """Neither regions nor exports nor imports."""
    found = json.loads(line(relocatable()))
    assert found["identity"] is None
    assert found["regions"]["text"] == {"section": ".text", "size": 64, "align": 4}
    assert found["exports"]["run"]["address"] is None
    assert found["imports"]["base"] == {"memcpy": None, "printk": None, "trace": None}
    assert found["relocations"]["left"] == {"R_ARM_ABS32": 2, "R_ARM_THM_CALL": 4}


def test_the_rest_of_the_file_is_short_and_sorted() -> None:
    """The whole text without extensions."""
    assert text(REPORT, []) == (
        "{\n"
        '"schema": 1,\n'
        '"tool": "west-llext",\n'
        '"manifest": "app/llext.yml",\n'
        f'"base": {{"name":"build/zephyr.elf","sha256":"{"b5" * 32}","zephyr":"4.3.0",'
        f'"exports":"{"e4" * 32}"}},\n'
        '"files": {"exports-c":"llext_exports.c","gdb":"llext.gdb"},\n'
        '"memories": [\n'
        '{"name":"ext_rom","address":"0x21000000","size":262144,"access":"rx","used":72,'
        '"free":262072,"largest-free":261816,'
        '"images":{"bin":"ext_rom.bin","hex":"ext_rom.hex"},'
        f'"sha256":{{"bin":"{"a2" * 32}","hex":"{"a1" * 32}"}}}},\n'
        '{"name":"ext_ram","address":"0x21040000","size":65536,"access":"rw","used":16,'
        '"free":65520,"largest-free":65488,"images":{},"sha256":{}}\n'
        "],\n"
        '"extensions": []\n'
        "}\n"
    )


def test_a_section_outside_of_every_memory_says_so() -> None:
    """Such links are refused; the report would not hide one."""
    found = json.loads(line(prelocated(rom=0x1000)))
    assert found["regions"]["text"]["memory"] is None


@settings(deadline=None)
@given(st.text(max_size=20))
def test_any_name_survives_and_stays_on_its_line(name: str) -> None:
    """ASCII escapes: line separators, quotes, lone surrogates."""
    linked = replace(
        prelocated(),
        exports=(Export(name, 0, 1, 2, function=True),),
        imports=(Import(name, None, 4, weak=True, references=1),),
    )
    written = line(linked)
    assert "\n" not in written
    assert written.isascii()
    found = json.loads(written)
    assert [*found["exports"], *found["imports"]["base"], *found["imports"]["weak"]] == [name] * 3


@pytest.mark.parametrize("count", [0, 1, 3])
def test_extensions_stay_in_their_order(count: int) -> None:
    """That of the manifest; one a line."""
    names = [f"x{number}" for number in range(count)][::-1]
    document = text(REPORT, [line(prelocated(name)) for name in names])
    assert [each["name"] for each in json.loads(document)["extensions"]] == names
    assert complaints(document) == []
