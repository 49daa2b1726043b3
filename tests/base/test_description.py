# SPDX-License-Identifier: Apache-2.0
"""Descriptions of base images: what is written is what is read, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from support.elfbuild import ET_EXEC, FUNC, OBJECT, SHF_ALLOC, WEAK, Sec, Seg, Sym, elf

from west_llext.base.description import description, is_description
from west_llext.base.image import image
from west_llext.diagnostics import LlextError
from west_llext.emit.base_json import text
from west_llext.manifest.schema import text as schema_text
from west_llext.model.base import BaseImage
from west_llext.model.elf import STT_TLS

CONFIG = {
    "CONFIG_LLEXT": "y",
    "CONFIG_OFF": "n",
    "CONFIG_MODULE": "m",
    "CONFIG_HEAP": "8",
    "CONFIG_BASE": "0x8000",
    "CONFIG_BOARD": "mps2_an385",
    "CONFIG_PASSWORD": "secret",
    "CONFIG_EMPTY": "",
}
WHOLE = """\
{
"schema": 1,
"describes": "base image",
"file": "zephyr.elf",
"sha256": "DIGEST",
"identity": "IDENTITY",
"zephyr": "4.3.0",
"machine": {"number": 40, "bits": 32, "endian": "little", "flags": "0x5000000"},
"attributes": {},
"cflags": ["-mcpu=cortex-m3", "-mthumb"],
"config": {
"CONFIG_BASE": "0x8000",
"CONFIG_BOARD": "mps2_an385",
"CONFIG_HEAP": "8",
"CONFIG_LLEXT": "y",
"CONFIG_MODULE": "m"
},
"segments": [
{"address": "0x00008000", "load": "0x00008000", "file-size": 64, "size": 64, "access": "rx"}
],
"by-slid": true,
"exports": {
"k_sleep": "0x00008009",
"printk": "0x00008001"
},
"exported-by-sources": ["printk"],
"symbols": {
"buffer": ["0x00008010", 16, "object"],
"k_sleep": ["0x00008009", 4, "function"],
"local_storage": ["0x00000004", 4, "tls"],
"printk": ["0x00008001", 8, "function"]
}
}
"""


def base(bits: int = 32) -> BaseImage:
    """A base image with everything that a description has."""
    made = image(
        elf(
            file_type=ET_EXEC,
            bits=bits,
            sections=[Sec(name=".text", flags=SHF_ALLOC | 4, addr=0x8000, content=bytes(64))],
            symbols=[
                Sym(name="printk", value=0x8001, size=8, type=FUNC, section=".text"),
                Sym(name="k_sleep", value=0x8009, size=4, type=FUNC, binding=WEAK, section=".text"),
                Sym(name="buffer", value=0x8010, size=16, type=OBJECT, section=".text"),
                Sym(name="local_storage", value=4, size=4, type=STT_TLS, section=".text"),
            ],
            segments=[Seg(sections=[".text"], flags=5)],
        ),
        "build/zephyr/zephyr.elf",
        config=CONFIG,
        zephyr_version="4.3.0",
    )
    exports = {"printk": 0x8001, "k_sleep": 0x8009}
    return replace(made, exports=exports, by_slid=True, own_exports=frozenset(["printk"]))


def test_a_description_as_a_whole() -> None:
    """Sorted, one symbol a line, and no text that could be a secret."""
    found = text(base(), ["-mcpu=cortex-m3", "-mthumb"])
    identity = json.loads(found)["identity"]
    assert len(identity) == 64
    assert found == WHOLE.replace("DIGEST", base().digest).replace("IDENTITY", identity)


@pytest.mark.parametrize("bits", [32, 64])
def test_what_is_written_is_what_is_read(bits: int) -> None:
    """Everything that a link asks of an image; a second description is the same."""
    wanted = base(bits)
    content = text(wanted, ["-mthumb"])
    found = description(content.encode(), "base.json")
    assert found.cflags == ("-mthumb",)
    for name in wanted.symbols:
        one, other = wanted.symbols.get(name), found.image.symbols.get(name)
        assert one is not None
        assert other is not None
        assert (one.value, one.size, one.info & 15) == (other.value, other.size, other.info & 15)
    assert len(found.image.symbols) == len(wanted.symbols)
    for key in ("digest", "abi", "exports", "own_exports", "by_slid", "zephyr_version"):
        assert getattr(found.image, key) == getattr(wanted, key)
    assert [(each.vaddr, each.memsz, each.flags) for each in found.image.segments] == [
        (each.vaddr, each.memsz, each.flags) for each in wanted.segments
    ]
    again = text(replace(found.image, name="zephyr.elf"), found.cflags)
    assert again == content


def test_the_identity_is_that_of_the_symbols() -> None:
    """Another file with the same symbols has it, too."""
    one = json.loads(text(base(), []))
    other = json.loads(text(replace(base(), digest="0" * 64, config={}), []))
    moved = json.loads(text(base(64), []))
    assert one["identity"] == other["identity"] != moved["identity"]


def test_it_is_what_the_schema_says() -> None:
    """`west-llext schema base`."""
    validator = jsonschema.Draft202012Validator(json.loads(schema_text("llext-base.schema.json")))
    for made in (base(), replace(base(), exports=None, zephyr_version=None, config={})):
        validator.validate(json.loads(text(made, ["-mthumb"])))


def test_an_image_without_a_table() -> None:
    """`exports` is null, not empty."""
    found = description(text(replace(base(), exports=None), []).encode(), "base.json")
    assert found.image.exports is None


@pytest.mark.parametrize(
    ("expected", "data"),
    [(True, b'{"a": 1}'), (True, b"\xef\xbb\xbf\r\n {"), (False, b"\x7fELF{"), (False, b"")],
)
def test_what_is_meant_to_be_a_description(data: bytes, *, expected: bool) -> None:
    """By its first character."""
    assert is_description(data) is expected


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        ("it has schema 2, expected 1", {"schema": 2}),
        ("it has schema None, expected 1", {"schema": None}),
        ("'sha256' isn't what it should be", {"sha256": 1}),
        ("'machine' isn't what it should be", {"machine": []}),
        ("'machine.bits' isn't what it should be", {"machine": {"bits": 16}}),
        (
            "'machine.endian' isn't what it should be",
            {"machine": {"bits": 32, "endian": "middle"}},
        ),
        ("'attributes.x' isn't what it should be", {"attributes": {"x": 1}}),
        ("'attributes.6' isn't what it should be", {"attributes": {"6": True}}),
        ("'exports.printk' isn't what it should be", {"exports": {"printk": "0x100000000"}}),
        ("'exports.printk' isn't what it should be", {"exports": {"printk": "4096"}}),
        ("'symbols.printk' isn't what it should be", {"symbols": {"printk": ["0x1", 2]}}),
        ("'symbols.x' isn't what it should be", {"symbols": {"x": ["0xg", 2, "function"]}}),
        ("'symbols.x' isn't what it should be", {"symbols": {"x": ["0x1", -2, "function"]}}),
        ("'symbols.x' isn't what it should be", {"symbols": {"x": ["0x1", True, "function"]}}),
        ("'symbols.x' isn't what it should be", {"symbols": {"x": ["0x1", 2, "99"]}}),
        ("'by-slid' isn't what it should be", {"by-slid": "yes"}),
        ("'cflags' isn't what it should be", {"cflags": [1]}),
        ("'segments' isn't what it should be", {"segments": [1]}),
        ("'segments.access' isn't what it should be", {"segments": [{"access": 5}]}),
        ("'segments.address' isn't what it should be", {"segments": [{"access": "r"}]}),
        ("'config.CONFIG_X' isn't what it should be", {"config": {"CONFIG_X": 1}}),
    ],
)
def test_what_is_not_understood_is_refused(expected: str, change: dict[str, Any]) -> None:
    """With the key, and the way to make a new one."""
    document = json.loads(text(base(), [])) | change
    with pytest.raises(LlextError) as caught:
        description(json.dumps(document).encode(), "base.json")
    assert str(caught.value) == (
        f"base.json: error[B036]: 'base.json': {expected}\n"
        "hint: make it anew: west llext base export -o FILE"
    )


@pytest.mark.parametrize(
    ("expected", "data"),
    [
        ("it isn't JSON: Expecting property name enclosed in double quotes", b"{"),
        ("it isn't the description of a base image: 'describes' isn't 'base image'", b"{}"),
        ("it isn't JSON: maximum recursion depth exceeded", b'{"a":' + b"[" * 200_000),
    ],
)
def test_other_json(expected: str, data: bytes) -> None:
    """A report, or half a file."""
    with pytest.raises(LlextError) as caught:
        description(data, "base.json")
    assert str(caught.value).startswith(f"base.json: error[B036]: 'base.json': {expected}")
