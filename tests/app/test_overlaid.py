# SPDX-License-Identifier: Apache-2.0
"""Memories that hold a part of the base image."""

from __future__ import annotations

from pathlib import Path

from support.workshop import RAM, Part, Workshop


def project(folder: Path, start: int, size: int) -> Workshop:
    """Two extensions, with their code in a memory of that start and size.

    The base image has its code in [0x1000, 0x1100), and data in [0x20000000, 0x20000010).
    """
    rom = f"{{name: rom, address: {start:#x}, size: {size:#x}, access: rx}}"
    parts = [Part(name="a", code=0x100), Part(name="b", code=0x100)]
    return Workshop(folder, parts, memory=(rom, RAM))


def test_a_raw_image_that_would_overwrite_the_base_image_is_warned_of(tmp_path: Path) -> None:
    """P004, of a build as of a check; what the hint says helps."""
    made = project(tmp_path, 0x1000, 0x1000)
    expected = [
        (
            "llext.yml:7:14: warning[P004]: 'rom.bin' begins at 0x1000 and has filler where the "
            "base image is, in [0x1000, 0x1100): written there, it would overwrite the base image\n"
            "hint: let the memory begin at 0x1100 or above, or write 'rom.hex' instead"
        )
    ]
    assert [str(each) for each in made.warnings()] == expected
    assert [str(each) for each in made.check().findings] == expected
    assert (made.output / "rom.bin").read_bytes()[:0x100] == b"\xff" * 0x100
    assert (made.output / "rom.hex").read_text("ascii").splitlines()[1].startswith(":10110000")
    assert project(tmp_path, 0x1100, 0xF00).warnings() == ()


def test_a_part_between_extensions_divides_the_memory(tmp_path: Path) -> None:
    """The first extension lies below the base image, so that no later start would do."""
    made = project(tmp_path, 0xE00, 0x1000)
    assert [str(each) for each in made.warnings()] == [
        (
            "llext.yml:7:14: warning[P004]: 'rom.bin' begins at 0xe00 and has filler where the "
            "base image is, in [0x1000, 0x1100): written there, it would overwrite the base image\n"
            "hint: divide the memory around that range, or write 'rom.hex' instead"
        )
    ]


def test_a_part_behind_the_last_extension_is_in_no_raw_image(tmp_path: Path) -> None:
    """It ends with what was placed."""
    assert project(tmp_path, 0x800, 0x1000).warnings() == ()
