# SPDX-License-Identifier: Apache-2.0
"""Blobs as images: what is read from a prelocated extension, and what isn't one."""

from __future__ import annotations

import dataclasses
import struct
import time

import pytest
from support.elfbuild import (
    ET_DYN,
    ET_REL,
    FUNC,
    NOBITS,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    Rel,
    Sec,
    Sym,
    elf,
)

from west_llext.diagnostics import LlextError
from west_llext.elf.read import object_file
from west_llext.emulate.blob import MAX_EXPORTS, blob_image, linked_image
from west_llext.emulate.image import Chunk, Function, Image
from west_llext.emulate.memory import Access
from west_llext.model.elf import Ident, ObjectFile, Relocation
from west_llext.model.link import Export, Linked, OutputSection
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

READ, WRITE, EXECUTE = Access.READ, Access.WRITE, Access.EXECUTE
IDENT = Ident(machine=40, bits=32, little=True, flags=0x05000000)

TEXT = Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, addr=0x1000, content=b"\x70\x47" * 4)
NAMES = Sec(name=".rodata", addr=0x2000, content=b"first\0second\0")
EXPORTS = Sec(
    name=".exported_sym", addr=0x2100, content=struct.pack("<4I", 0x2000, 0x1001, 0x2006, 0x3004)
)
DATA = Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, addr=0x3000, content=b"12345678")
BSS = Sec(name=".bss", type=NOBITS, flags=SHF_ALLOC | SHF_WRITE, addr=0x3010, size=0x20)
INIT = Sec(name=".init_array", type=14, addr=0x2200, content=struct.pack("<2I", 0x1003, 0x1005))
PREINIT = Sec(name=".preinit_array", type=16, addr=0x2300, content=struct.pack("<I", 0x1007))
NOTE = Sec(name=".comment", flags=0, content=b"not loaded")


def blob(*sections: Sec, file_type: int = ET_DYN, symbols: tuple[Sym, ...] = ()) -> ObjectFile:
    """A blob of these sections."""
    return object_file(elf(file_type=file_type, sections=sections, symbols=symbols), "demo.llext")


def refusal(file: ObjectFile) -> str:
    """What is said of a blob that can't run."""
    with pytest.raises(LlextError) as caught:
        blob_image(file, "demo")
    return str(caught.value)


def test_image_has_what_the_loader_would_have() -> None:
    """Sections by their flags, exports by name, constructors in the loader's order."""
    file = blob(TEXT, NAMES, EXPORTS, INIT, PREINIT, DATA, BSS, NOTE)
    assert blob_image(file, "demo") == Image(
        name="demo",
        file="demo.llext",
        ident=IDENT,
        chunks=(
            Chunk(".text", 0x1000, 8, b"\x70\x47" * 4, READ | EXECUTE),
            Chunk(".rodata", 0x2000, 13, b"first\0second\0", READ),
            Chunk(".exported_sym", 0x2100, 16, EXPORTS.content or b"", READ),
            Chunk(".init_array", 0x2200, 8, INIT.content or b"", READ),
            Chunk(".preinit_array", 0x2300, 4, PREINIT.content or b"", READ),
            Chunk(".data", 0x3000, 8, b"12345678", READ | WRITE),
            Chunk(".bss", 0x3010, 0x20, b"", READ | WRITE),
        ),
        exports={"first": 0x1001, "second": 0x3004},
        functions=(Function(0x1001, 0, "first"), Function(0x3004, 0, "second")),
        constructors=(0x1007, 0x1003, 0x1005),
    )


def test_functions_have_their_size_where_the_blob_has_symbols() -> None:
    """So that an address behind a function isn't taken for a part of it."""
    symbols = (Sym(name="first", value=0x1001, size=4, type=FUNC, section=".text"),)
    image = blob_image(blob(TEXT, NAMES, EXPORTS, symbols=symbols), "demo")
    assert image.functions == (Function(0x1001, 4, "first"), Function(0x3004, 0, "second"))


def test_relocatable_blob_is_refused() -> None:
    """X003: the target would have to place it first."""
    assert refusal(blob(TEXT, file_type=ET_REL)) == (
        "demo.llext: error[X003]: extension 'demo' can't run as it is: the file is of ELF type 1, "
        "expected a prelocated blob (ELF type 3, without relocations)\n"
        "hint: build the blob again"
    )


def test_blob_with_relocations_left_is_refused() -> None:
    """X003: what the target would still change can't be run."""
    relocated = dataclasses.replace(DATA, relocations=(Rel(offset=0, type=2),))
    assert refusal(blob(TEXT, relocated)) == (
        "demo.llext: error[X003]: extension 'demo' can't run as it is: the file has "
        "1 relocations for the target, expected a prelocated blob (ELF type 3, without "
        "relocations)\nhint: build the blob again"
    )


@pytest.mark.parametrize("pointer", [0, 0x1FFF, 0x200D, 0x3010, 0xFFFFFFFF])
def test_export_without_a_name_is_refused(pointer: int) -> None:
    """X004: the row points outside of the blob's bytes (behind them, into .bss, anywhere)."""
    row = dataclasses.replace(EXPORTS, content=struct.pack("<2I", pointer, 0x1001))
    assert refusal(blob(TEXT, NAMES, row, BSS)) == (
        "demo.llext: error[X004]: '.exported_sym' of extension 'demo' has a row whose name is at "
        f"{pointer:#x}, expected the address of a text in the blob\nhint: build the blob again"
    )


def test_text_that_nothing_ends_is_no_name() -> None:
    """X004: bytes up to the end of the section without a zero among them."""
    names = dataclasses.replace(NAMES, content=b"endless")
    assert "whose name is at 0x2000" in refusal(blob(TEXT, names, EXPORTS))


def test_endless_table_of_exports_is_cut() -> None:
    """A table of a hundred times more rows than are read takes no hundred times longer."""
    content = struct.pack("<2I", 0x2000, 0x1001) * (4 * MAX_EXPORTS)
    start = time.process_time()
    image = blob_image(blob(TEXT, NAMES, dataclasses.replace(EXPORTS, content=content)), "demo")
    assert time.process_time() - start < 10
    assert image.exports == {"first": 0x1001}


def linked(*sections: OutputSection, exports: tuple[Export, ...] = ()) -> Linked:
    """A linked extension of these sections."""
    return Linked(
        name="demo",
        mode=Mode.PRELOCATED,
        ident=IDENT,
        object_name="demo.o",
        sections=sections,
        symbols=(),
        all_symbols=(),
        exports=exports,
        imports=(),
        identity=None,
    )


def output(region: Region, *, address: int | None, content: bytes = b"1234") -> OutputSection:
    """An output section."""
    return OutputSection(
        name=f".{region.label}",
        region=region,
        align=4,
        size=len(content),
        content=content,
        address=address,
    )


def test_linked_extension_is_the_same_image_without_a_file() -> None:
    """What the link made can be run before anything is written."""
    image = linked_image(
        linked(
            output(Region.TEXT, address=0x1000),
            output(Region.DATA, address=0x3000),
            output(Region.RODATA, address=0x2000),
            output(Region.BSS, address=0x4000, content=b""),
            output(Region.PREINIT, address=0x2200, content=struct.pack("<I", 0x1003)),
            output(Region.INIT, address=0x2204, content=struct.pack("<I", 0x1001)),
            exports=(
                Export("first", section=0, offset=1, size=4, function=True),
                Export("second", section=1, offset=0, size=4, function=False),
            ),
        )
    )
    assert [(each.name, each.access) for each in image.chunks] == [
        (".text", READ | EXECUTE),
        (".data", READ | WRITE),
        (".rodata", READ),
        (".preinit", READ),
        (".init", READ),
    ]
    assert image.exports == {"first": 0x1001, "second": 0x3000}
    assert image.functions == (Function(0x1001, 4, "first"),)
    assert image.constructors == (0x1003, 0x1001)


def test_linked_extension_without_addresses_is_refused() -> None:
    """X003: bound and relocatable extensions have none."""
    with pytest.raises(LlextError) as caught:
        linked_image(linked(output(Region.TEXT, address=None)))
    assert str(caught.value) == (
        "demo: error[X003]: extension 'demo' can't run as it is: section '.text' has no address, "
        "expected a prelocated blob (ELF type 3, without relocations)\n"
        "hint: build the blob again"
    )


def test_linked_extension_with_relocations_left_is_refused() -> None:
    """X003: as in a blob."""
    text = dataclasses.replace(
        output(Region.TEXT, address=0x1000), relocations=(Relocation(0, 1, 2, None),)
    )
    with pytest.raises(LlextError) as caught:
        linked_image(linked(text))
    assert "section '.text' has 1 relocations for the target" in str(caught.value)
