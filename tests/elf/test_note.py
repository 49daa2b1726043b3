# SPDX-License-Identifier: Apache-2.0
"""The note of a blob: every byte as docs/blob-format.md has it, and damaged ones."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import notes
from support.commands import command
from support.project import project

from west_llext.diagnostics import LlextError
from west_llext.elf.note import Note, note
from west_llext.elf.read import file_content, object_file
from west_llext.model.manifest import Mode

SYMBOLS = [(b"k_uptime_get", 0x1011), (b"printk", 0x1001)]


def read(section: bytes, *, bits: int = 32, little: bool = True) -> Note | None:
    """The note in a file with this section."""
    return note(object_file(notes.blob(section, bits=bits, little=little), "a.llext"))


def refused(section: bytes) -> str:
    """What is said of a damaged note, without the file's name."""
    with pytest.raises(LlextError) as caught:
        read(section)
    (finding,) = caught.value.diagnostics
    return str(finding).removeprefix("a.llext: ")


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("little", [True, False])
def test_a_note_of_every_class_and_byte_order(bits: int, little: bool) -> None:  # noqa: FBT001
    """docs/blob-format.md, "The note"."""
    section = notes.note(SYMBOLS, bits=bits, little=little, mode=2)
    expected = Note(
        mode=Mode.PRELOCATED,
        identity=notes.digest(SYMBOLS).hex(),
        symbols=(("k_uptime_get", 0x1011), ("printk", 0x1001)),
    )
    assert read(section, bits=bits, little=little) == expected


def test_a_blob_that_uses_nothing_has_a_note_too() -> None:
    """It fits every base image."""
    found = read(notes.note([]))
    assert found is not None
    assert found.symbols == ()
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert found.identity == empty  # SHA-256 of nothing (FIPS 180-4)


def test_a_file_without_note() -> None:
    """Relocatable blobs have none."""
    assert note(object_file(notes.elfbuild.elf(), "a.llext")) is None


def test_names_need_not_be_text() -> None:
    """They survive as lone surrogates, as everywhere."""
    found = read(notes.note([(b"\xff\xfe", 4)]))
    assert found is not None
    assert found.symbols == (("\udcff\udcfe", 4),)


@pytest.mark.parametrize("mode", ["bound", "prelocated"])
def test_what_is_built_is_as_documented(mode: str, tmp_path: Path) -> None:
    """The bytes of a built blob's note are those that the page tells how to make."""
    project(tmp_path, mode=mode)
    assert command("build", folder=tmp_path).status == 0
    file = object_file(file_content(tmp_path / "build/llext/demo.llext"), "demo")
    (index,) = [n for n, each in enumerate(file.sections) if each.name == ".note"]
    number = {"bound": 1, "prelocated": 2}[mode]
    assert file.content(index) == notes.note([(b"printk", 0x1001)], mode=number)
    assert file.sections[index].type == notes.NOTE
    assert file.sections[index].flags == 0


DAMAGED = "error[I003]: the note '.note' is damaged: {}\nhint: build the blob again"
GOOD = notes.note(SYMBOLS)


@pytest.mark.parametrize(
    ("why", "section"),
    [
        ("it has 0 bytes, expected at least 12", b""),
        ("it has 11 bytes, expected at least 12", GOOD[:11]),
        ("it belongs to another tool", notes.note(SYMBOLS, owner=b"GNU\0")),
        ("it belongs to another tool", GOOD[:8] + struct.pack("<I", 2) + GOOD[12:]),
        (
            "its content has 1000 bytes and ends behind the section",
            GOOD[:4] + struct.pack("<I", 1000) + GOOD[8:],
        ),
        (
            "its content has 43 bytes, expected 44",
            GOOD[:4] + struct.pack("<I", 43) + GOOD[8:],
        ),
        ("it has mode 0, expected 1 (bound) or 2 (prelocated)", notes.note(SYMBOLS, mode=0)),
        ("it has mode 3, expected 1 (bound) or 2 (prelocated)", notes.note(SYMBOLS, mode=3)),
        (
            "it has 1000 symbols, which is more than fit its content",
            notes.note(SYMBOLS, count=1000),
        ),
        (
            "it has 4294967295 symbols, which is more than fit its content",
            notes.note(SYMBOLS, count=0xFFFFFFFF),
        ),
        ("its digest isn't that of the symbols in it", notes.note(SYMBOLS, identity=bytes(32))),
        ("there is something behind the last name", notes.note(SYMBOLS, tail=b"x\0")),
        (
            "'k_uptime_get' comes behind 'printk', expected symbols sorted by name",
            notes.note(SYMBOLS[::-1]),
        ),
        (
            "'printk' comes behind 'printk', expected symbols sorted by name",
            notes.note([SYMBOLS[1], SYMBOLS[1]]),
        ),
        (
            "symbol 1 has its name at 0x0, expected 0xd",
            GOOD[:80] + bytes(4) + GOOD[84:],
        ),
    ],
)
def test_a_damaged_note_is_refused_with_the_reason(why: str, section: bytes) -> None:
    """One row for each thing that can be wrong."""
    assert refused(section) == DAMAGED.format(why)


@pytest.mark.parametrize(
    ("version", "hint"), [(2, "update west-llext"), (0, "build the blob again")]
)
def test_another_version_is_refused(version: int, hint: str) -> None:
    """What follows may mean something else."""
    expected = f"error[I004]: the note '.note' has version {version}, expected 1\nhint: {hint}"
    assert refused(notes.note(SYMBOLS, version=version)) == expected


@given(st.data())
def test_any_damage_is_found_or_changes_nothing(data: st.DataObject) -> None:
    """Bytes changed, cut off or added: a finding, or the very same note (padding)."""
    section = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(section) - 1))
        section[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(section)))
    damaged = bytes(section[:cut]) if data.draw(st.booleans()) else bytes(section)
    found = outcome(damaged)
    if isinstance(found, list):
        assert found in (["I003"], ["I004"])
    else:
        assert found in (read(GOOD), read(notes.note(SYMBOLS, mode=2)))


def outcome(section: bytes) -> Note | list[str] | None:
    """What reading gives, or the codes of why it can't be read."""
    try:
        return read(section)
    except LlextError as err:
        return [each.code for each in err.diagnostics]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(section: bytes) -> None:
    """Never another exception."""
    assert outcome(section) in (["I003"], ["I004"])


def test_a_large_note_takes_time_in_proportion() -> None:
    """Names that overlap would add up to much more than the file."""
    count = 100_000
    names = b"x" * 1_000_000 + b"\0"
    rows = struct.pack("<II", 0, 0) * count
    content = struct.pack("<III", 1, 1, count) + bytes(32) + rows + names
    section = struct.pack("<III", 11, len(content), 1) + b"west-llext\0\0" + content
    start = time.process_time()
    assert "expected 0xf4241" in refused(section + bytes(-len(section) % 4))
    assert time.process_time() - start < 5
