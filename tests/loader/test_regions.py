# SPDX-License-Identifier: Apache-2.0
"""Memory for regions: what protection costs, what can stay in the file, where there is room."""

from __future__ import annotations

import pytest
from support.elfbuild import (
    ET_DYN,
    NOBITS,
    SHF_ALLOC,
    SHF_WRITE,
    Rel,
    Sec,
    patched,
    section_field,
    section_number,
)
from support.loads import (
    BUFFER,
    CODE,
    HEAP,
    NOTHING,
    code,
    extension,
    load,
    logged,
    region,
    target,
)

from west_llext.loader.danger import Danger
from west_llext.loader.extension import LoadParameters
from west_llext.loader.storage import FileLoader, Storage
from west_llext.loader.system import System
from west_llext.loader.target import HeapPlan, Machine, Protection
from west_llext.loader.versions import NEWEST, Version

WRITABLE = SHF_ALLOC | SHF_WRITE


def asked(name: str, **changes: object) -> tuple[int, int]:
    """Size and alignment that a region of 100 bytes is allocated with."""
    data = extension(code(bytes(100)))
    _, loaded = load(data, target(**changes))
    found = [each for each in loaded.account if each.what == name]
    return found[0].size, found[0].align


@pytest.mark.parametrize(
    ("release", "protection", "userspace", "expected"),
    [
        # before 4.4: a power of two for every Arm MPU, also where nobody needs it
        ((4, 3), Protection.POWER_OF_TWO, False, (128, 128)),
        ((4, 3), Protection.PAGE, False, (128, 128)),
        ((4, 4), Protection.POWER_OF_TWO, False, (100, 4)),
        ((4, 4), Protection.POWER_OF_TWO, True, (128, 128)),
        ((4, 4), Protection.PAGE, True, (128, 32)),
        ((4, 4), Protection.PMP, True, (128, 32)),
        ((4, 3), Protection.NONE, True, (100, 4)),
        ((4, 3), Protection.MMU, False, (128, 32)),
    ],
)
def test_memory_protection_rounds_regions_up(
    release: tuple[int, int],
    protection: Protection,
    userspace: bool,  # noqa: FBT001  # a parameter of the test
    expected: tuple[int, int],
) -> None:
    """llext_copy_region; tables are never rounded."""
    changes = {
        "version": Version(*release),
        "protection": protection,
        "userspace": userspace,
        "page": 32,
    }
    assert asked("text", **changes) == expected
    assert asked("strtab", **changes)[1] == 1


def test_other_processors_had_no_rule_before_4_4() -> None:
    """Only an Arm MPU was looked at."""
    changes = {"machine": Machine.OTHER, "protection": Protection.PAGE, "userspace": True}
    assert asked("text", version=Version(4, 3), **changes) == (100, 4)


def test_protection_without_a_rule_is_refused() -> None:
    """-ENOTSUP."""
    on = target(version=Version(4, 4), protection=Protection.OTHER, userspace=True)
    _, loaded = load(extension(), on)
    assert (loaded.result, logged(loaded)) == (
        -134,
        [
            "E: region 0: no memory protection alignment rule for this architecture",
            "E: Failed to copy regions, ret -134",
        ],
    )


def test_only_what_nobody_changes_stays_in_a_persistent_file() -> None:
    """An empty relocation section is enough to be copied."""
    data = extension(
        code(),
        Sec(name=".rodata", content=bytes(4), relocations=[Rel(offset=0, type=0)]),
        Sec(name=".data", flags=WRITABLE, size=4),
        Sec(name=".bss", type=NOBITS, flags=WRITABLE, size=4),
    )
    system, loaded = load(data, storage=Storage.PERSISTENT)
    assert loaded.ext is not None
    on_heap = dict(zip(system.target.mem.names, loaded.ext.mem_on_heap, strict=True))
    assert [name for name, heap in on_heap.items() if heap] == ["data", "rodata", "bss"]
    _, loaded = load(data, storage=Storage.WRITABLE)
    assert loaded.ext is not None
    assert [each for each in loaded.ext.mem_on_heap if each] == [True]


def test_code_in_data_memory_is_copied_on_a_harvard_machine() -> None:
    """With a warning, into the heap for instructions."""
    heap = HeapPlan(address=HEAP, size=8192, code=(0x10000000, 4096))
    on = target(harvard=True, heap=heap)
    _, loaded = load(extension(), on, storage=Storage.PERSISTENT)
    assert loaded.ext is not None
    assert 0x10000000 < loaded.ext.mem[0] < 0x10001000
    line = "W: Cannot reuse ELF buffer for region 0, not instruction memory: 0x21000034-0x21000038"
    assert logged(loaded) == [line]


def test_a_prelocated_file_is_never_copied() -> None:
    """-EFAULT where it would have to be; `.bss` is left to the application."""
    data = extension(code(), Sec(name=".bss", type=NOBITS, flags=WRITABLE, size=4))
    _, loaded = load(data, pre_located=True)
    assert logged(loaded) == ["E: Failed to copy ELF string sections, ret -14"]
    _, loaded = load(data, storage=Storage.PERSISTENT, pre_located=True)
    assert logged(loaded) == ["E: Failed to copy regions, ret -14"]
    system, loaded = load(data, storage=Storage.WRITABLE, pre_located=True, buffer=BUFFER + 1)
    assert (loaded.result, logged(loaded)) == (0, [])
    assert loaded.ext is not None
    mem = system.target.mem
    assert (loaded.ext.mem[mem.text], loaded.ext.mem[mem.bss]) == (BUFFER + 0x35, 0)


def test_there_must_be_room() -> None:
    """With what was asked for, and the region's number."""
    data = extension(code(), Sec(name=".bss", type=NOBITS, flags=WRITABLE, size=70000, align=8))
    _, loaded = load(data)
    assert (loaded.result, logged(loaded)) == (
        -12,
        [
            "E: Failed allocating 70000 bytes 8-aligned for region 3",
            "E: Failed to copy regions, ret -12",
        ],
    )


def test_blocks_must_be_aligned_enough() -> None:
    """sys_mem_blocks: a region takes whole blocks, or nothing."""
    heap = HeapPlan(address=HEAP, size=4096, block=32, data=(0x20010000, 8192))
    on = target(heap=heap, version=Version(4, 4))
    _, loaded = load(extension(), on)
    assert loaded.ext is not None
    assert loaded.ext.mem[0] == 0x20010000 + 64 + 32  # names of sections take two, of symbols one
    data = extension(Sec(name=".big", size=4, align=64))
    _, loaded = load(data, on)
    assert logged(loaded) == [
        "E: Requested alignment 64 not possible with block alignment 32",
        "E: Failed allocating 32 bytes 64-aligned for region 2",
        "E: Failed to copy regions, ret -12",
    ]


@pytest.mark.parametrize("align", [0x40000, 0x800000])
def test_an_alignment_beyond_the_heap_can_look_like_an_empty_list(align: int) -> None:
    """13 lists of 64 KiB end at 68, `struct llext` begins at 76: its list node is 0 until it is
    loaded, and so is `mem[LLEXT_MEM_TEXT]`, at 96, which lists 15 and 20 would be at."""
    data = extension(code())
    data = patched(data, section_field(data, 1, "sh_addralign"), align)
    system, loaded = load(data)
    size = 0x34 + 4
    assert (loaded.result, logged(loaded)) == (
        -12,
        [
            f"E: Failed allocating {size} bytes {align}-aligned for region 0",
            "E: Failed to copy regions, ret -12",
        ],
    )
    assert system.heap.live == 0


def test_an_alignment_beyond_the_heap_can_lead_anywhere() -> None:
    """List 14 would be the header of `struct llext`, list 26 where the names of sections are."""
    data = extension(code())
    for align in (0x20000, 0x40000000):
        with pytest.raises(Danger) as danger:
            load(patched(data, section_field(data, 1, "sh_addralign"), align))
        assert danger.value.code == "L021"
        assert "the allocator would read behind its lists" in danger.value.message


def test_a_table_of_names_can_be_zeroed_at_its_start() -> None:
    """One with SHF_ALLOC is taken for a region, and its sh_info for the padding of that."""
    data = extension(code())
    number = section_number(data, ".strtab")
    data = patched(data, section_field(data, number, "sh_flags"), SHF_ALLOC)
    size = len(b"\0f\0")
    system, loaded = load(patched(data, section_field(data, number, "sh_info"), size))
    assert region(system, loaded, "strtab") == bytes(size)
    with pytest.raises(Danger) as danger:
        load(patched(data, section_field(data, number, "sh_info"), 0x40000000))
    expected = "0x40000000 bytes would be zeroed at the start of region strtab, which has 3"
    assert (danger.value.code, danger.value.message) == ("L021", expected)


def test_a_file_that_cannot_be_peeked_at_is_read_into_the_heap() -> None:
    """Section headers too; they stay until the extension goes, or for good where the load fails."""
    system = System(target())
    data = extension()
    loaded = system.load(FileLoader(data), "demo")
    assert loaded.ext is not None
    assert loaded.ext.sect_hdrs_on_heap
    assert any(each.what == "section headers" for each in loaded.account)
    system.unload(loaded.ext)
    assert system.heap.live == 0
    broken = extension(code(relocations=[Rel(offset=0, type=99)]))
    assert system.load(FileLoader(broken), "demo").result == -8
    assert system.heap.live == 6 * 40 + 4
    assert system.load(FileLoader(data[:100]), "demo").result == -22


def test_a_region_that_the_file_cuts_short_is_a_danger() -> None:
    """Behind its end is whatever lay there; copied or not."""
    data = extension(code(), Sec(name=".z", size=4, align=1))
    number = section_number(data, ".z")
    data = patched(data, section_field(data, number, "sh_offset"), len(data) - 2)
    for storage in (Storage.TEMPORARY, Storage.PERSISTENT):
        with pytest.raises(Danger) as danger:
            load(data, storage=storage)
        expected = (
            "region rodata has 4 bytes, the file ends before: the rest would be what happens to "
            "lie in memory"
        )
        assert (danger.value.code, danger.value.message) == ("L021", expected)


def test_a_region_of_megabytes_at_a_given_address_is_refused() -> None:
    """L025: the heap would have said no."""
    data = extension(code(), Sec(name=".bss", type=NOBITS, flags=WRITABLE, size=1 << 30))
    with pytest.raises(Danger) as danger:
        load(data, places={"bss": 0x60000000})
    expected = "region bss has 1073741824 bytes, at most 16777216 are modelled"
    assert (danger.value.code, danger.value.message) == ("L025", expected)


def test_a_shared_object_is_one_piece_in_the_newest_release() -> None:
    """Distances stay as they were linked; it is freed as one."""
    data = extension(
        Sec(name=".text", flags=CODE, content=NOTHING, addr=0x1000),
        Sec(name=".data", flags=WRITABLE, content=b"\x07\0\0\0", addr=0x1040),
        file_type=ET_DYN,
        symbol_table=11,
    )
    system, loaded = load(data, target(version=NEWEST))
    assert loaded.ext is not None
    text, data_ = (loaded.ext.mem[each] for each in (0, 1))
    assert data_ - text == 0x40
    assert region(system, loaded, "data") == b"\x07\0\0\0"
    assert loaded.ext.mem_on_heap[:2] == [False, False]
    system.unload(loaded.ext)
    assert system.heap.live == 0


def test_pages_of_a_shared_object_with_code_and_data_are_reported() -> None:
    """An MMU gives a page one kind of permissions; the load succeeds all the same."""
    parts = (
        Sec(name=".text", flags=CODE, content=NOTHING, addr=0x1000),
        Sec(name=".data", flags=WRITABLE, content=b"\x07\0\0\0", addr=0x1040),
    )
    data = extension(*parts, file_type=ET_DYN, symbol_table=11)
    on = target(version=NEWEST, protection=Protection.MMU, page=4096)
    _, loaded = load(data, on)
    assert loaded.ext is not None
    place = loaded.ext.mem[0]
    expected = [f"E: ET_DYN page {place:#x} is both executable and writable"]
    assert (loaded.result, place % 4096, logged(loaded)) == (0, 0, expected)


def test_parameters_are_the_loaders_defaults() -> None:
    """LLEXT_LOAD_PARAM_DEFAULT."""
    assert LoadParameters() == LoadParameters(
        relocate_local=True, pre_located=False, section_detached=None, keep_section_info=False
    )
