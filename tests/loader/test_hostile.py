# SPDX-License-Identifier: Apache-2.0
"""Input from strangers: a result or a danger, soon, whatever the bytes are."""

from __future__ import annotations

import contextlib
import struct
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.elfbuild import EM_RISCV, FUNC, NOBITS, SHF_ALLOC, SHF_WRITE, Rel, Sec, Sym
from support.loads import code, extension, load, target

from west_llext.loader.danger import DANGERS, Danger
from west_llext.loader.storage import FileLoader, Storage
from west_llext.loader.system import System
from west_llext.loader.target import HeapPlan, Machine
from west_llext.loader.versions import NEWEST, Version

RELEASES = (Version(3, 5), Version(3, 7), Version(4, 1), Version(4, 3), Version(4, 5), NEWEST)
#: e_machine, class, a relocation type that writes, and whether addends are explicit.
FILES: dict[Machine, tuple[int, int, int, bool]] = {
    Machine.ARM: (40, 32, 2, False),
    Machine.RISCV: (EM_RISCV, 64, 2, True),
    Machine.ARM64: (183, 64, 257, True),
    Machine.X86: (3, 32, 1, False),
    Machine.XTENSA: (94, 32, 1, True),
    Machine.ARC: (93, 32, 4, True),
}


def sound(machine: Machine) -> bytes:
    """An extension of one of each."""
    number, bits, kind, explicit = FILES[machine]
    addend = 0 if explicit else None
    word = bits // 8
    rels = [
        Rel(offset=word * each, type=kind, symbol=name, addend=addend)
        for each, name in enumerate(("name", "f"))
    ]
    return extension(
        code(bytes(16), relocations=rels[:1]),
        Sec(name=".rodata", content=b"f\0\0\0"),
        Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, size=8),
        Sec(name=".bss", type=NOBITS, flags=SHF_ALLOC | SHF_WRITE, size=16),
        Sec(name=".exported_sym", content=bytes(2 * word), relocations=rels),
        Sec(
            name=".init_array",
            type=14,
            flags=SHF_ALLOC | SHF_WRITE,
            content=bytes(word),
            entsize=word,
            align=word,
        ),
        symbols=[
            Sym(name="f", value=1, type=FUNC, section=".text"),
            Sym(name="name", binding=0, section=".rodata"),
        ],
        machine=number,
        bits=bits,
    )


def tried(data: bytes, **changes: Any) -> None:
    """Load; whatever happens, it is a result or a danger, and nothing takes long."""
    machine = changes.pop("machine")
    storage = changes.pop("storage")
    located = changes.pop("pre_located")
    on = target(
        machine=machine,
        bits=FILES[machine][1],
        heap=HeapPlan(address=0x20001000, size=64 << 10),
        symbols={b"printk": 0x4511},
        **changes,
    )
    code, start = "", time.process_time()
    try:
        system, loaded = load(data, on, storage=storage, pre_located=located)
        if loaded.ext is not None:
            system.fn_table(loaded.ext, setup=True)
            system.unload(loaded.ext)
    except Danger as danger:
        code = danger.code
    assert code in ("", *DANGERS)
    assert time.process_time() - start < 1


CHANGES = st.fixed_dictionaries(
    {
        "machine": st.sampled_from([*FILES]),
        "version": st.sampled_from(RELEASES),
        "storage": st.sampled_from([*Storage]),
        "pre_located": st.booleans(),
    }
)
WORDS = st.sampled_from([0, 1, 2, 8, 0x7F, 0xFF, 0xFF00, 0xFFF1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CHANGES, st.lists(st.tuples(st.floats(0, 1), WORDS), min_size=1, max_size=4))
def test_a_damaged_file_is_a_result_or_a_danger(
    changes: dict[str, Any], damage: list[tuple[float, int]]
) -> None:
    """Words of the file in which others were put, wherever."""
    data = bytearray(sound(changes["machine"]))
    for share, value in damage:
        at = int(share * (len(data) - 4))
        data[at : at + 4] = struct.pack("<I", value)
    tried(bytes(data), **changes)


@settings(max_examples=200, deadline=None)
@given(CHANGES, st.floats(0, 1), st.binary(max_size=64))
def test_a_cut_file_is_a_result_or_a_danger(
    changes: dict[str, Any], share: float, tail: bytes
) -> None:
    """Its start, and anything behind it."""
    data = sound(changes["machine"])
    tried(data[: int(share * len(data))] + tail, **changes)


@settings(max_examples=100, deadline=None)
@given(CHANGES, st.binary(max_size=200))
def test_garbage_is_a_result_or_a_danger(changes: dict[str, Any], data: bytes) -> None:
    """Also behind a sound start."""
    tried(data, **changes)
    tried(sound(changes["machine"])[:52] + data, **changes)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(RELEASES), st.lists(st.tuples(st.floats(0, 1), WORDS), max_size=3))
def test_a_damaged_file_of_a_file_system_is_a_result_or_a_danger(
    release: Version, damage: list[tuple[float, int]]
) -> None:
    """Nothing can be peeked at."""
    data = bytearray(sound(Machine.ARM))
    for share, value in damage:
        at = int(share * (len(data) - 4))
        data[at : at + 4] = struct.pack("<I", value)
    with contextlib.suppress(Danger):
        System(target(version=release)).load(FileLoader(bytes(data)), "demo")


def test_names_that_are_compared_over_and_over_are_refused() -> None:
    """L025: 120 symbols whose names have 40,000 letters in common, and a table to sort."""
    sections = [Sym(name="a" * 40000 + f"{n}", type=FUNC, section=".text") for n in range(120)]
    on = target(version=NEWEST, heap=HeapPlan(address=0x20001000, size=8 << 20))
    with pytest.raises(Danger) as danger:
        load(extension(symbols=sections), on)
    expected = "more than 64 MiB of names would be compared"
    assert (danger.value.code, danger.value.message) == ("L025", expected)
