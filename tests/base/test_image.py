# SPDX-License-Identifier: Apache-2.0
"""Base images: what they define, what their exported tables say in every form they can have."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.cross import gcc, output, tool
from support.elfbuild import (
    ET_DYN,
    ET_EXEC,
    FUNC,
    LOCAL,
    OBJECT,
    SHF_ALLOC,
    WEAK,
    Sec,
    Seg,
    Sym,
    elf,
)

from west_llext.base.exports import SHF_LLEXT_PREPARATION_DONE, slid
from west_llext.base.image import image
from west_llext.diagnostics import LlextError

ROM = 0x8000


def base(
    entries: list[tuple[int, int]],
    *,
    names: bytes = b"",
    bits: int = 32,
    little: bool = True,
    flags: int = SHF_ALLOC,
    symbols: list[Sym] | None = None,
    form: str = "zephyr",
) -> bytes:
    """An image with `names` at ROM and behind them a table of (name pointer, address)."""
    text = names + bytes(-len(names) % 8)
    at = ROM + len(text)
    order, word = "<" if little else ">", "I" if bits == 32 else "Q"
    table = b"".join(struct.pack(f"{order}2{word}", *entry) for entry in entries)
    own = [Sym(name="printk", section=".text", value=ROM | 1, type=FUNC)]
    if form == "zephyr":
        ends = {"start": at, "end": at + len(table)}
        own += [
            Sym(name=f"_llext_const_symbol_list_{name}", section=2, value=value)
            for name, value in ends.items()
        ]
    if form == "standalone":
        count = struct.pack(order + word, len(entries))
        own += [
            Sym(name="west_llext_exports", section=2, value=at, type=OBJECT, size=len(table)),
            Sym(name="west_llext_export_count", section=2, value=at + len(table), type=OBJECT),
        ]
        table += count
    return elf(
        machine=40 if bits == 32 else 183,
        bits=bits,
        little=little,
        file_type=ET_EXEC,
        sections=[
            Sec(name=".text", addr=ROM, content=text, align=8),
            Sec(name="llext_const_symbol_area", addr=at, content=table, align=8, flags=flags),
        ],
        symbols=[*own, *(symbols or [])],
        segments=[Seg(sections=[".text", "llext_const_symbol_area"], flags=5)],
    )


NAMES = b"\0printk\0memcpy\0counter\0"
PRINTK, MEMCPY, COUNTER = ROM + 1, ROM + 8, ROM + 15


def warnings(data: bytes) -> list[str]:
    """What is said of a base image."""
    return [str(each) for each in image(data, "zephyr.elf").findings]


def test_definitions_digest_and_headers_are_read() -> None:
    """Global and weak definitions by name; local names for messages only."""
    data = base(
        [],
        symbols=[
            Sym(name="weakly", section=".text", value=ROM, binding=WEAK),
            Sym(name="undefined"),
            Sym(name="hidden_away", section=".text", value=ROM, binding=LOCAL, type=FUNC),
            Sym(name="source.c", section=0xFFF1, binding=LOCAL, type=4),
        ],
    )
    found = image(data, "zephyr.elf", config={"CONFIG_LLEXT": "y"}, zephyr_version="4.3.0")
    assert found.digest == hashlib.sha256(data).hexdigest()
    assert {"printk", "weakly"} <= set(found.symbols)
    assert "undefined" not in found.symbols
    assert set(found.local) == {"hidden_away"}
    symbol = found.symbols.get("printk")
    assert symbol is not None
    assert (symbol.value, symbol.type) == (ROM | 1, FUNC)
    assert [section.name for section in found.sections[:2]] == ["", ".text"]
    assert (found.segments[0].vaddr, found.name) == (ROM, "zephyr.elf")
    assert (found.config, found.zephyr_version) == ({"CONFIG_LLEXT": "y"}, "4.3.0")
    assert found.abi.ident.machine == 40


@pytest.mark.parametrize("form", ["zephyr", "standalone"])
@pytest.mark.parametrize(("bits", "little"), [(32, True), (32, False), (64, True), (64, False)])
def test_a_table_of_names_is_read(form: str, *, bits: int, little: bool) -> None:
    """Two words an entry: pointer to the name, address with the Thumb bit."""
    entries = [(PRINTK, ROM | 1), (MEMCPY, 0x9000), (COUNTER, 0x20000000)]
    data = base(entries, names=NAMES, bits=bits, little=little, form=form)
    found = image(data, "zephyr.elf")
    expected = {"printk": ROM | 1, "memcpy": 0x9000, "counter": 0x20000000}
    assert (found.exports, found.findings) == (expected, ())


def test_an_entry_without_an_address_is_not_exported() -> None:
    """The loader takes a null address, of a weak function that nobody defines, as not found."""
    data = base([(PRINTK, 0), (MEMCPY, 0x9000)], names=NAMES)
    assert image(data, "zephyr.elf").exports == {"memcpy": 0x9000}


def test_of_two_entries_with_one_name_the_first_counts() -> None:
    """The loader's linear search stops at the first."""
    data = base([(PRINTK, 0x9000), (PRINTK, 0x9100)], names=NAMES)
    assert image(data, "zephyr.elf").exports == {"printk": 0x9000}


def test_an_image_without_a_table_says_so() -> None:
    """None is not the same as an empty table."""
    assert image(base([], form="none"), "zephyr.elf").exports is None
    assert image(base([]), "zephyr.elf").exports == {}


def test_a_name_becomes_the_slid_that_upstream_documents() -> None:
    """First bytes of SHA-256 as a big-endian number."""
    assert (slid("printk", 4), slid("printk", 8)) == (0x87B31052, 0x87B3105268827052)


@pytest.mark.parametrize(("bits", "little"), [(32, True), (64, False)])
def test_slids_are_turned_back_into_names(*, bits: int, little: bool) -> None:
    """Names are those of the image's symbols; the flag of the section says which form it is."""
    size = bits // 8
    entries = sorted([(slid("printk", size), ROM | 1), (slid("k_malloc", size), 0x9000)])
    data = base(
        entries,
        bits=bits,
        little=little,
        flags=SHF_ALLOC | SHF_LLEXT_PREPARATION_DONE,
        symbols=[Sym(name="__llext_sym_k_malloc", section=2, binding=LOCAL, type=OBJECT)],
    )
    found = image(data, "zephyr.elf")
    assert (found.exports, found.findings) == ({"k_malloc": 0x9000, "printk": ROM | 1}, ())


def test_the_configuration_can_say_that_names_are_slids() -> None:
    """Some tools that copy an image drop flags of its sections."""
    data = base([(slid("printk", 4), ROM | 1)])
    config = {"CONFIG_LLEXT_EXPORT_BUILTINS_BY_SLID": "y"}
    assert image(data, "zephyr.elf", config=config).exports == {"printk": ROM | 1}


def test_slids_of_unknown_names_are_counted() -> None:
    """A stripped image has no names to hash."""
    entries = [(0x1111, 0x9000), (0x2222, 0x9100), (slid("printk", 4), ROM | 1)]
    data = base(entries, flags=SHF_ALLOC | SHF_LLEXT_PREPARATION_DONE)
    assert image(data, "zephyr.elf").exports == {"printk": ROM | 1}
    assert warnings(data) == [
        (
            "zephyr.elf: warning[B005]: 2 of 3 SLIDs in the exported table belong to no name in "
            "the image, the first is 0x1111\nhint: use the image before it is stripped"
        )
    ]


def test_entries_are_found_by_their_own_symbols() -> None:
    """Where the linker script has no symbols for the ends of the table."""
    at = ROM + len(NAMES) + -len(NAMES) % 8
    rows = [
        Sym(name=f"__llext_sym_{name}", section=2, value=at + 8 * row, size=8, binding=LOCAL)
        for row, name in enumerate(("printk", "memcpy"))
    ]
    data = base([(PRINTK, ROM | 1), (MEMCPY, 0x9000)], names=NAMES, form="none", symbols=rows)
    assert image(data, "zephyr.elf").exports == {"printk": ROM | 1, "memcpy": 0x9000}


def test_pointers_that_lead_nowhere_are_a_warning() -> None:
    """The other entries can be used."""
    data = base([(0xDEAD0000, 1), (PRINTK, ROM | 1), (0x10, 1)], names=NAMES)
    assert image(data, "zephyr.elf").exports == {"printk": ROM | 1}
    assert warnings(data) == [
        (
            f"zephyr.elf: warning[B004]: the exported table at {ROM + 24:#x} can't be read whole: "
            "entry 0 has its name at 0xdead0000, where the image has no text (and 1 more)\n"
            "hint: rebuild the base image"
        )
    ]


def test_a_table_outside_of_the_image_is_a_warning() -> None:
    """The ends of the table are symbols: they can be anything."""
    odd = [Sym(name="_llext_const_symbol_list_start", section=2, value=0xFFFFFF00)]
    odd += [Sym(name="_llext_const_symbol_list_end", section=2, value=0xFFFFFF0C)]
    data = base([], form="none", symbols=odd)
    assert image(data, "zephyr.elf").exports == {}
    assert warnings(data) == [
        (
            "zephyr.elf: warning[B004]: the exported table of 12 bytes at 0xffffff00 can't be "
            "read, expected entries of 8 bytes inside the image\nhint: rebuild the base image"
        )
    ]


def test_a_standalone_table_without_its_count_is_a_warning() -> None:
    """Both are defined by the file that this tool generates."""
    odd = [Sym(name="west_llext_exports", section=2, value=ROM, type=OBJECT)]
    data = base([], form="none", symbols=odd)
    assert image(data, "zephyr.elf").exports == {}
    assert warnings(data) == [
        (
            "zephyr.elf: warning[B004]: 'west_llext_exports' is there, but the word "
            "'west_llext_export_count' isn't\n"
            "hint: link the whole generated file into the base image"
        )
    ]


@pytest.mark.cross
@pytest.mark.parametrize(
    "count", ["", "KEEP(*(.rodata.west_llext_export_count))"], ids=["dropped", "kept"]
)
def test_a_standalone_table_is_read_when_the_linker_has_dropped_its_count(
    count: str, tmp_path: Path
) -> None:
    """Firmware that walks the table to its end mark has no use for the word."""
    flags = ("-mcpu=cortex-m3", "-mthumb", "-Os", "-ffreestanding", "-fdata-sections")
    part = gcc(tmp_path, SOURCE, "-DSTANDALONE", *flags)
    script = tmp_path / "sections.ld"
    script.write_text(
        "SECTIONS { . = 0x10000; .text : { *(.text*) } .rodata : {"
        " KEEP(*(.rodata.west_llext_exports))"
        f" {count} *(.rodata*) }} }}"
    )
    whole = tmp_path / "base.elf"
    output(
        *[tool("ld"), "--gc-sections", "-e", "_start", "-T", str(script), "-o", str(whole)],
        str(part),
    )
    found = image(whole.read_bytes(), "base.elf")
    assert ("west_llext_export_count" in found.symbols) == bool(count)
    symbols = {name: found.symbols.get(name) for name in ("counter", "first")}
    assert found.exports == {name: each.value for name, each in symbols.items() if each}
    assert len(found.exports) == 2
    assert found.findings == ()


def test_a_relocatable_object_is_no_base_image() -> None:
    """Nothing in it has an address."""
    with pytest.raises(LlextError) as caught:
        image(elf(), "main.o")
    assert str(caught.value) == (
        "main.o: error[B003]: base image 'main.o' is a relocatable object, expected a linked "
        "executable\nhint: name the linked image, in a west build directory zephyr/zephyr.elf"
    )
    with pytest.raises(LlextError) as caught:
        image(elf(file_type=4), "core")
    assert str(caught.value) == (
        "core: error[B003]: base image 'core' is of type 4, expected a linked executable\n"
        "hint: name the linked image, in a west build directory zephyr/zephyr.elf"
    )


@pytest.mark.parametrize("file_type", [ET_EXEC, ET_DYN])
def test_an_extension_is_no_base_image(file_type: int) -> None:
    """B003: only extensions have the section that the loader looks for exports in."""
    sections = [Sec(name=".text", addr=ROM), Sec(name=".exported_sym", addr=ROM + 8)]
    data = elf(file_type=file_type, sections=sections, symbols=[Sym(name="run", section=".text")])
    with pytest.raises(LlextError) as caught:
        image(data, "demo.llext")
    assert str(caught.value) == (
        "demo.llext: error[B003]: base image 'demo.llext' is an extension, expected the executable "
        "that loads it\nhint: name the linked image, in a west build directory zephyr/zephyr.elf"
    )


@pytest.mark.cross
def test_a_stripped_image_is_refused_as_such(tmp_path: Path) -> None:
    """B006; without this, every import would seem to be missing."""
    part = gcc(tmp_path, "int beep(void) { return 1; }")
    whole = tmp_path / "base.elf"
    output(tool("ld"), "-e", "beep", "-Ttext=0x8000", "-o", str(whole), str(part))
    assert image(whole.read_bytes(), "base.elf").symbols.get("beep") is not None
    output(tool("strip"), str(whole))
    with pytest.raises(LlextError) as caught:
        image(whole.read_bytes(), "base.elf")
    assert str(caught.value) == (
        "base.elf: error[B006]: base image 'base.elf' has no symbol table, so that nothing is "
        "known of what it offers\nhint: name the image as it was linked, before it is stripped"
    )


SOURCE = """
struct llext_const_symbol { const char *const name; const void *const addr; };
#define EXPORT(x) static const struct llext_const_symbol __llext_sym_ ## x \\
    __attribute__((used, section("._llext_const_symbol.static.__llext_sym_" #x "_"))) = \\
    { #x, (const void *)&x }
int counter = 3;
const char banner[] = "banner";
int first(int value) { return value + counter; }
__attribute__((noinline)) static int hidden(int value) { return value * counter; }
int second(int value) { return hidden(value); }
__attribute__((weak)) extern int nobody(int value);
EXPORT(second); EXPORT(first); EXPORT(counter); EXPORT(banner); EXPORT(nobody);
struct west_llext_symbol { const char *name; const void *addr; };
#ifdef STANDALONE
const struct west_llext_symbol west_llext_exports[] = {
    {"counter", &counter}, {"first", (const void *)first}, {0, 0}};
const unsigned int west_llext_export_count =
    sizeof(west_llext_exports) / sizeof(west_llext_exports[0]) - 1;
#endif
int _start(int value) { return second(first(value)); }
"""

SCRIPT = """
SECTIONS {
  . = 0x10000;
  .text : { *(.text*) }
  .rodata : { *(.rodata*) *(.data.rel.ro*) }
  llext_const_symbol_area : {
    %s = .;
    KEEP(*(SORT_BY_NAME(._llext_const_symbol.static.*)))
    %s = .;
  }
  . = 0x20000000;
  .data : { *(.data*) }
  .bss : { *(.bss*) }
}
"""


@pytest.mark.cross
@pytest.mark.parametrize(
    ("ends", "flags", "expected"),
    [
        (("_llext_const_symbol_list_start", "_llext_const_symbol_list_end"), (), "zephyr"),
        (("some_start", "some_end"), (), "entries"),
        (("some_start", "some_end"), ("-DSTANDALONE",), "standalone"),
    ],
    ids=["zephyr", "entries", "standalone"],
)
def test_exports_of_a_linked_image_have_the_addresses_that_nm_prints(
    ends: tuple[str, str], flags: tuple[str, ...], expected: str, tmp_path: Path
) -> None:
    """As Zephyr's EXPORT_SYMBOL and linker script lay the table out; functions are Thumb."""
    made = gcc(tmp_path, SOURCE, "-mcpu=cortex-m3", "-mthumb", "-Os", "-ffreestanding", *flags)
    script = tmp_path / "image.ld"
    script.write_text(SCRIPT % ends)
    linked = tmp_path / "image.elf"
    output(tool("ld"), "-T", str(script), "-o", str(linked), str(made))
    rows = [line.split() for line in output(tool("nm"), str(linked)).splitlines()]
    listed = {row[2]: int(row[0], 16) | (row[1] == "T") for row in rows if len(row) == 3}
    names = ["counter", "first"]
    if expected != "standalone":
        names += ["banner", "second"]
    found = image(linked.read_bytes(), "image.elf")
    assert found.exports == {name: listed[name] for name in names}
    assert found.findings == ()
    assert "hidden" in found.local


WORDS = st.sampled_from([0, 1, 7, 8, ROM, ROM + 25, 0x20000000, 0x7FFFFFFF, 0xFFFFFFF8, 0xFFFFFFFF])


@given(
    form=st.sampled_from(["zephyr", "standalone", "none"]),
    damage=st.lists(st.tuples(st.integers(52, 700), WORDS), min_size=1, max_size=6),
    prepared=st.booleans(),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_image_gives_warnings_or_one_error(
    form: str, damage: list[tuple[int, int]], *, prepared: bool
) -> None:
    """Pointers, counts and headers of strangers: nothing but LlextError comes out."""
    flags = SHF_ALLOC | (SHF_LLEXT_PREPARATION_DONE if prepared else 0)
    rows = [Sym(name="__llext_sym_a", section=2, value=ROM, size=8, binding=LOCAL)]
    entries = [(PRINTK, 1), (MEMCPY, 2)]
    data = bytearray(base(entries, names=NAMES, form=form, flags=flags, symbols=rows))
    for offset, value in damage:
        struct.pack_into("<I", data, offset % (len(data) - 4), value)
    try:
        found = image(bytes(data), "damaged.elf")
    except LlextError as err:
        codes = {each.code for each in err.diagnostics}
    else:
        codes = {each.code for each in found.findings}
        assert all(address for address in (found.exports or {}).values())
    assert codes <= {"L002", "B003", "B004", "B005", "B006"}


def test_a_table_that_claims_to_be_huge_is_not_read() -> None:
    """The count is a word of the image."""
    data = base([(PRINTK, 1)] * 2, names=NAMES, form="standalone")
    place = data.index(struct.pack("<I", 2), data.index(struct.pack("<II", PRINTK, 1)))
    huge = data[:place] + struct.pack("<I", 0x1FFFFFFF) + data[place + 4 :]
    assert image(huge, "zephyr.elf").exports == {}
    assert warnings(huge) == [
        (
            f"zephyr.elf: warning[B004]: the exported table of 4294967288 bytes at {ROM + 24:#x} "
            "can't be read, expected entries of 8 bytes inside the image\n"
            "hint: rebuild the base image"
        )
    ]


def test_names_that_overlap_are_bounded() -> None:
    """Thousands of pointers into one long text must not become thousands of long names."""
    names = b"x" * 4000 + b"\0"
    data = base([(ROM, 1 + row) for row in range(5000)], names=names)
    assert len(image(data, "zephyr.elf").exports or {}) == 1
    assert "entry 2097 and those behind it have too long names" in warnings(data)[0]
