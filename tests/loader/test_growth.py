# SPDX-License-Identifier: Apache-2.0
"""Four times as much to load takes the model about four times the work, not sixteen times."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from support.counting import LINEAR, growth
from support.elfbuild import (
    DYNSYM,
    EM_RISCV,
    ET_DYN,
    REL,
    SHF_ALLOC,
    SHF_WRITE,
    Rel,
    Sec,
    Sym,
    patched,
    section_field,
    section_number,
)
from support.loads import code, extension, load, logged, target

from west_llext.loader import loading
from west_llext.loader.danger import Danger
from west_llext.loader.storage import BufferLoader, Storage
from west_llext.loader.target import HeapPlan, Machine, Veneers
from west_llext.loader.versions import NEWEST, Version

LARGE = HeapPlan(address=0x20001000, size=1 << 20)


def test_relocations_in_a_file_that_is_writable() -> None:
    """The headers lie in the same memory, and are read again only where they were written to."""

    def case(size: int) -> Callable[[], object]:
        rows = [Rel(offset=4 * each, type=2, symbol="f") for each in range(size)]
        data = extension(
            code(bytes(4 * size), relocations=rows),
            *(Sec(name=f".s{each}", flags=0, size=4) for each in range(size)),
        )
        on = target(heap=LARGE)
        assert load(data, on, storage=Storage.WRITABLE)[1].result == 0
        return lambda: load(data, on, storage=Storage.WRITABLE)

    assert growth(case, 40) < LINEAR


def test_headers_that_a_relocation_writes_to_are_read_again() -> None:
    """What the loader goes by is what lies there, whoever has written it."""
    data = extension(code(bytes(8), relocations=[Rel(offset=0, type=2, symbol="f")]))
    system, loaded = load(data, target(), storage=Storage.WRITABLE)
    assert loaded.ext is not None
    table = loaded.ext.sect_hdrs
    before = table[1].align
    place = table.address + 40 + 32  # section 1, sh_addralign
    system.memory.write(place, (before * 2).to_bytes(4, "little"), "a header")
    assert table[1].align == before * 2


def test_calls_through_veneers() -> None:
    """The loader looks at every veneer that there is; the model knows where each one is."""

    def case(size: int) -> Callable[[], object]:
        names = [f"far{each}" for each in range(size)]
        rows = [Rel(offset=4 * each, type=10, symbol=name) for each, name in enumerate(names)]
        data = extension(
            code(bytes.fromhex("fff7feff") * size, relocations=rows),
            symbols=[Sym(name=name) for name in names],
        )
        on = target(
            version=NEWEST,
            veneers=Veneers.MAINLINE,
            heap=LARGE,
            symbols={name.encode(): 0x08000001 + 16 * each for each, name in enumerate(names)},
        )
        assert logged(load(data, on)[1]) == []
        return lambda: load(data, on)

    assert growth(case, 40) < LINEAR


def test_lower_halves_look_at_the_upper_ones_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at a copy of the relocation section for each."""
    count = 200
    rows = []
    for each in range(count):
        rows.append(Rel(offset=8 * each, type=23, symbol="f", addend=0))
        rows.append(Rel(offset=8 * each + 4, type=24, symbol=f"l{each}", addend=0))
    data = extension(
        code(bytes.fromhex("1705000013050500") * count, relocations=rows),
        symbols=[Sym(name=f"l{each}", value=8 * each, section=".text") for each in range(count)],
        machine=EM_RISCV,
    )
    copied = 0
    read = BufferLoader.read

    def counted(loader: BufferLoader, size: int) -> bytes | int:
        nonlocal copied
        copied += size
        return read(loader, size)

    monkeypatch.setattr(BufferLoader, "read", counted)
    for storage in (Storage.TEMPORARY, Storage.WRITABLE):
        copied = 0
        _, loaded = load(data, target(machine=Machine.RISCV, heap=LARGE), storage=storage)
        assert logged(loaded) == []
        assert copied < 8 * len(data)


def test_a_search_of_sections_for_every_relocation_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """L025: a shared object of thousands of sections, each of which an address may be in."""
    rows = [Rel(offset=0x1000 + 4 * each, type=23) for each in range(50)]
    data = extension(
        code(bytes(4)),
        Sec(
            name=".data",
            flags=SHF_ALLOC | SHF_WRITE,
            addr=0x1000,
            content=bytes(200),
            relocations=rows,
        ),
        file_type=ET_DYN,
        symbol_table=DYNSYM,
    )
    on = target(version=NEWEST, heap=LARGE)
    assert logged(load(data, on)[1]) == []
    monkeypatch.setattr(loading, "MOST_LOOKED", 100)
    with pytest.raises(Danger) as danger:
        load(data, on)
    expected = "more than 100 section headers would be searched"
    assert (danger.value.code, danger.value.message) == ("L025", expected)


@pytest.mark.parametrize("version", [Version(3, 5), Version(3, 7)])
def test_relocations_that_overlap_are_refused_in_older_releases(version: Version) -> None:
    """L025: sections over the same bytes, of which a file may have 65,000."""
    row = b"\0\0\0\0\0\1\0\0"  # R_ARM_NONE
    whole = Sec(name=".rel.text", type=REL, flags=0, content=row * 3000, info=1, entsize=8)
    again = Sec(name=".rel.text", type=REL, flags=0, content=b"", info=1, entsize=8)
    data = extension(code(bytes(4)), whole, *[again] * 7)
    number = section_number(data, ".rel.text")
    for name in ("sh_offset", "sh_size"):
        at, form = section_field(data, number, name)
        (value,) = struct.unpack_from(form, data, at)
        for other in range(number + 1, number + 8):
            data = patched(data, section_field(data, other, name), value)
    with pytest.raises(Danger) as danger:
        load(data, target(version=version))
    expected = "relocation sections of the file overlap, over and over"
    assert (danger.value.code, danger.value.message) == ("L025", expected)
