# SPDX-License-Identifier: Apache-2.0
"""Files from strangers: they cost little, and are refused with one finding or read."""

from __future__ import annotations

import struct
import time
import tracemalloc
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import elfbuild
from support.cross import archive, sample
from support.elfbuild import (
    LOCAL,
    Group,
    Rel,
    Sec,
    Sym,
    elf,
    header_field,
    patched,
    section_field,
    section_number,
)

from west_llext.diagnostics import LlextError
from west_llext.elf.headers import headers
from west_llext.elf.read import object_file
from west_llext.elf.symbols import ImageSymbols, image_symbols

Found = TypeVar("Found")

#: What one file may cost beside its own bytes, and how long it may take.
LIMIT = 80 << 20
SECONDS = 1.0


def table_file(*, symbols: int = 0, strings: bytes = b"\0", name: int = 0, rel: int = 0) -> bytes:
    """A file with `symbols` symbols at one name offset and `rel` relocations of .text."""
    rows = struct.pack("<IIIBBH", name, 1, 2, 0x12, 0, 1) * symbols
    words = struct.pack("<II", 0, 2) * rel
    table = Sec(
        name=".table", type=elfbuild.DYNSYM, flags=0, content=rows, link=".names", entsize=16
    )
    return elf(
        sections=[
            Sec(name=".text", size=4),
            Sec(name=".names", type=elfbuild.STRTAB, flags=0, content=strings, align=1),
            table,
            Sec(
                name=".words",
                type=elfbuild.REL,
                flags=0,
                content=words,
                link=".table",
                info=1,
                entsize=8,
            ),
        ]
    )


def dynamic(data: bytes) -> bytes:
    """The file with its empty .symtab turned into nothing, so that .table is read."""
    return patched(data, section_field(data, section_number(data, ".symtab"), "sh_type"), 0)


def many_sections() -> bytes:
    """As many section headers as are read, all over the same bytes."""
    data = elf(sections=[Sec(name=".text", size=64)])
    at = struct.unpack_from("<I", data, header_field(data, "e_shoff")[0])[0]
    row = data[at + 40 : at + 80]
    count = 0xFEFF
    head = patched(data, header_field(data, "e_shoff"), len(data))
    head = patched(head, header_field(data, "e_shnum"), count)
    return head + data[at:] + row * (count - 4)


def indexed_symbols(data: bytes, name: str) -> ImageSymbols:
    """The index of an image's symbols, from its bytes."""
    return image_symbols(headers(data, name))


CASES: dict[str, Callable[[], bytes]] = {
    "200,000 symbols": lambda: dynamic(table_file(symbols=200_000, strings=b"\0name\0", name=1)),
    "2,000,000 symbols": lambda: dynamic(table_file(symbols=2_000_000)),
    "one name of 8 MB for 1,000": lambda: dynamic(
        table_file(symbols=1000, strings=b"\0" + b"x" * (8 << 20) + b"\0", name=1)
    ),
    "names of 16 MB": lambda: dynamic(
        table_file(symbols=10, strings=b"\0" + b"x" * (16 << 20) + b"\0", name=1)
    ),
    "a table of zeros": lambda: dynamic(table_file(symbols=100_000, strings=bytes(15 << 20))),
    "3,000,000 relocations": lambda: dynamic(table_file(symbols=1, rel=3_000_000)),
    "most sections": many_sections,
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("reader", [object_file, indexed_symbols])
def test_no_file_costs_more_than_the_limit(
    case: str, reader: Callable[[bytes, str], object]
) -> None:
    """Memory beside the file's own bytes and time are bounded, whatever the tables claim."""
    data = CASES[case]()
    begin = time.process_time()
    attempt(reader, data)
    assert time.process_time() - begin < SECONDS
    tracemalloc.start()
    kept = attempt(reader, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < LIMIT
    del kept


def attempt(reader: Callable[[bytes, str], Found], data: bytes) -> Found | None:
    """What the reader gives, or the codes of its findings, which are one L002."""
    try:
        return reader(data, "damaged.o")
    except LlextError as err:
        codes = [each.code for each in err.diagnostics]
    assert codes == ["L002"]
    return None


def refusal(data: bytes) -> str:
    """The finding of a file that isn't read."""
    with pytest.raises(LlextError) as caught:
        object_file(data, "big.o")
    return str(caught.value)


def test_too_many_symbols_are_refused() -> None:
    """More records than fit the memory that one file may take."""
    assert refusal(CASES["2,000,000 symbols"]()) == (
        "big.o: error[L002]: has 2000000 symbols, which is more than are read"
    )


def test_too_many_relocations_are_refused() -> None:
    """Relocations of loaded sections become records."""
    assert refusal(CASES["3,000,000 relocations"]()) == (
        "big.o: error[L002]: has 3000000 relocations, which is more than are read"
    )


def test_names_that_overlap_are_refused() -> None:
    """A thousand symbols that share a long name would need its bytes a thousand times."""
    assert refusal(CASES["one name of 8 MB for 1,000"]()) == (
        "big.o: error[L002]: names overlap: they add up to more than 8388608 bytes"
    )


def test_a_huge_string_table_is_refused() -> None:
    """The table is decoded as a whole."""
    assert refusal(CASES["names of 16 MB"]()) == (
        "big.o: error[L002]: symbol table '.table' has 16777218 bytes of names, at most 16777216 "
        "are read"
    )


def test_sections_over_the_same_bytes_are_refused() -> None:
    """Whoever reads every section would read the file thousands of times."""
    data = many_sections()
    assert len(object_file(data, "big.o").sections) == 0xFEFF
    at = struct.unpack_from("<I", data, header_field(data, "e_shoff")[0])[0]
    rows = bytearray(data)
    for number in range(4, 0xFEFF):
        struct.pack_into("<I", rows, at + 40 * number + 20, 4096)
    assert refusal(bytes(rows)) == (
        "big.o: error[L002]: sections overlap: they have "
        f"{4096 * (0xFEFF - 4) + 64 + 16 + 1} bytes, the file {len(data)}"
    )


def sound(*, bits: int, little: bool) -> bytes:
    """A file with every kind of table, to be damaged."""
    addend = None if bits == 32 else 4
    rows = [Rel(offset=4 * each, type=2, symbol=each % 3, addend=addend) for each in range(5)]
    return elf(
        bits=bits,
        little=little,
        sections=[
            Sec(name=".text", size=20, relocations=rows),
            Sec(name=".data", flags=3, size=9),
            Sec(name=".bss", type=elfbuild.NOBITS, flags=3, size=9),
        ],
        symbols=[
            Sym(name="one", section=".text", binding=LOCAL),
            Sym(name="two", section=".data"),
            Sym(name="three", section=".bss", extended=True),
            Sym(name="größe"),
        ],
        groups=[Group(signature="two", members=[".data"])],
    )


WORDS = st.sampled_from([0, 1, 2, 4, 11, 16, 18, 0x7F, 0x80, 0xFF, 0xFFFF, 0xFFFFFFFF, 1 << 31])


@given(
    bits=st.sampled_from([32, 64]),
    little=st.booleans(),
    damage=st.lists(
        st.tuples(st.integers(0, 1200), WORDS, st.sampled_from("BHI")), min_size=1, max_size=6
    ),
    cut=st.integers(0, 1200) | st.none(),
)
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_file_is_read_or_refused(
    *, bits: int, little: bool, damage: list[tuple[int, int, str]], cut: int | None
) -> None:
    """Nothing but LlextError comes out, and what is read holds together."""
    data = bytearray(sound(bits=bits, little=little))
    for offset, value, letter in damage:
        size = struct.calcsize(letter)
        at = offset % (len(data) - size)
        struct.pack_into(("<" if little else ">") + letter, data, at, value & (256**size - 1))
    check(bytes(data[:cut]))


def check(data: bytes) -> None:
    """Read a file and look at everything in it."""
    indexed = attempt(indexed_symbols, data)
    if indexed is not None:
        index, local, hidden, objects = indexed
        assert all(value >= 0 for _, _, value in objects())
        assert all(index.get(name) is not None for name in index)
        assert "" not in local
        assert hidden.names() <= local.names()
    obj = attempt(object_file, data)
    if obj is None:
        return
    for number in range(len(obj.sections)):
        assert len(obj.content(number)) <= len(data)
    for section, rows in obj.relocations.items():
        assert section < len(obj.sections)
        assert all(row.symbol < max(len(obj.symbols), 1) for row in rows)
    for _, _, members in obj.groups:
        assert all(member < len(obj.sections) for member in members)


@pytest.fixture(scope="module")
def real() -> list[bytes]:
    """Objects of compilers, small enough to be damaged often."""
    found = [data for _, data in sample(archive(), 200) if len(data) < 4096]
    return found[:20]


@pytest.mark.cross
@given(
    which=st.integers(0, 19),
    damage=st.lists(st.tuples(st.integers(0, 4095), WORDS), min_size=1, max_size=4),
    cut=st.integers(0, 4096) | st.none(),
)
@settings(max_examples=400, deadline=None)
def test_a_damaged_object_of_a_compiler_is_read_or_refused(
    real: list[bytes], which: int, damage: list[tuple[int, int]], cut: int | None
) -> None:
    """The same for what gcc writes."""
    data = bytearray(real[which % len(real)])
    for offset, value in damage:
        struct.pack_into("<I", data, offset % (len(data) - 4), value)
    check(bytes(data[:cut]))
