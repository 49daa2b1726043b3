# SPDX-License-Identifier: Apache-2.0
"""Manifests that are right, as records: every field, its type by the field, defaults applied."""

from __future__ import annotations

from pathlib import Path, PurePath

from support.manifests import complaints, read, written

from west_llext.diagnostics import Span
from west_llext.manifest.load import manifest
from west_llext.model.manifest import (
    BaseSpec,
    CompilerRuntime,
    Condition,
    ExportGroup,
    Extension,
    FileRef,
    Manifest,
    Memory,
    Mode,
    Name,
    Toolchain,
)
from west_llext.model.region import Region

WHOLE = """\
# yaml-language-server: $schema=../schemas/llext-manifest.schema.json
version: 1
base:
  build-dir: build
  image: base.elf
  zephyr-version: 4.10
  toolchain: {cc: arm-none-eabi-gcc, cflags: [-mthumb], launcher: [ccache]}
  exports:
    - printk
    - {group: sensors, when: CONFIG_SENSOR, symbols: [fetch], from: lists/more.yml}
  memory:
    - {name: ext_ram, address: 0x20020000, size: 64K, access: rwx}
defaults:
  mode: bound
  cflags: [-Os]
  include-dirs: [include]
  defines: {ORDER: 4, NDEBUG: }
  compiler-runtime: toolchain
  place: {data: ext_ram}
extensions:
  - name: filters
    sources: [src/fir.c, src\\iir.c]
    objects: [libm.a]
    include-dirs: [own]
    defines: {ORDER: 8}
    cflags: [-O3]
    compiler-runtime: base
    exports: [filters_run]
    imports-from: [mathlib]
    mode: prelocated
    place: {text: ext_ram}
  - name: mathlib
    objects: [mathlib.o]
"""


def place(line: int, column: int, file: str = "llext.yml") -> Span:
    """A place in a file."""
    return Span(PurePath(file), line, column)


def ref(folder: Path, text: str, line: int, column: int) -> FileRef:
    """A file of the manifest in `folder`."""
    return FileRef(text=text, path=folder / text, at=place(line, column))


def test_every_key_ends_in_its_field(tmp_path: Path) -> None:
    """The manifest of the design, and a little more, record by record."""
    actual, warnings = read(tmp_path, WHOLE, {"lists/more.yml": "symbols: [no, get]\n"})
    ram = Name("ext_ram", place(19, 17))
    text = Name("ext_ram", place(31, 19))
    base = BaseSpec(
        build_dir=ref(tmp_path, "build", 4, 14),
        image=ref(tmp_path, "base.elf", 5, 10),
        zephyr_version="4.10",
        toolchain=Toolchain(
            cc="arm-none-eabi-gcc",
            target=None,
            cflags=("-mthumb",),
            launcher=("ccache",),
            at=place(7, 14),
        ),
        exports=(
            ExportGroup(group=None, symbols=(Name("printk", place(9, 7)),), at=place(9, 7)),
            ExportGroup(
                group="sensors",
                symbols=(
                    Name("fetch", place(10, 55)),
                    Name("no", place(1, 11, "lists/more.yml")),
                    Name("get", place(1, 15, "lists/more.yml")),
                ),
                when=Condition(text="CONFIG_SENSOR", at=place(10, 30)),
                at=place(10, 7),
            ),
        ),
        memories=(
            Memory(name="ext_ram", address=0x20020000, size=65536, access="rwx", at=place(12, 14)),
        ),
        at=place(4, 3),
    )
    filters = Extension(
        name="filters",
        mode=Mode.PRELOCATED,
        sources=(ref(tmp_path, "src/fir.c", 22, 15), ref(tmp_path, "src/iir.c", 22, 26)),
        objects=(ref(tmp_path, "libm.a", 23, 15),),
        include_dirs=(ref(tmp_path, "own", 24, 20), ref(tmp_path, "include", 16, 18)),
        defines=(("ORDER", "8"), ("NDEBUG", None)),
        cflags=("-Os", "-O3"),
        compiler_runtime=CompilerRuntime.BASE,
        exports=(Name("filters_run", place(28, 15)),),
        imports_from=(Name("mathlib", place(29, 20)),),
        place={Region.TEXT: text, Region.RODATA: text, Region.DATA: ram, Region.BSS: ram},
        at=place(21, 11),
    )
    mathlib = Extension(
        name="mathlib",
        mode=Mode.BOUND,
        objects=(ref(tmp_path, "mathlib.o", 33, 15),),
        include_dirs=(ref(tmp_path, "include", 16, 18),),
        defines=(("ORDER", "4"), ("NDEBUG", None)),
        cflags=("-Os",),
        compiler_runtime=CompilerRuntime.TOOLCHAIN,
        place={Region.DATA: ram, Region.BSS: ram},
        at=place(32, 11),
    )
    assert warnings == ()
    assert actual == Manifest(
        file=tmp_path / "llext.yml",
        root=tmp_path,
        version=1,
        base=base,
        extensions=(filters, mathlib),
        inputs=(tmp_path / "llext.yml", tmp_path / "lists/more.yml"),
    )


def test_version_alone_is_a_manifest(tmp_path: Path) -> None:
    """A base without extensions has exports to declare; nothing else is required."""
    actual, warnings = read(tmp_path, "version: 1\n")
    nowhere = Span(PurePath("llext.yml"))
    base = BaseSpec(toolchain=Toolchain(at=nowhere), at=nowhere)
    assert (actual.base, actual.extensions, warnings) == (base, (), ())


def test_what_the_manifest_does_not_say_has_the_place_to_say_it(tmp_path: Path) -> None:
    """Findings about it point to that: the toolchain belongs into `base`."""
    actual, _ = read(tmp_path, "version: 1\nbase:\n  image: base.elf\n")
    assert actual.base.toolchain.at == actual.base.at == Span(PurePath("llext.yml"), 3, 3)


def test_text_stays_as_it_is_written(tmp_path: Path) -> None:
    """YAML 1.1 would make booleans, numbers and a date of these."""
    lines = "version: 1\nextensions: [{name: 1.10, sources: [no, 2024-01-01, 0x10, 1e3, 1:30]}]\n"
    actual, _ = read(tmp_path, lines)
    assert actual.extensions[0].name == "1.10"
    assert [each.text for each in actual.extensions[0].sources] == [
        "no",
        "2024-01-01",
        "0x10",
        "1e3",
        "1:30",
    ]


def test_defines_take_their_value_literally(tmp_path: Path) -> None:
    """No value is a bare `-DNAME`; an empty text is `-DNAME=`."""
    lines = (
        "version: 1\nextensions:\n  - name: a\n    objects: [a.o]\n"
        "    defines: {A: 010, B: true, C: , D: '', E: ~, F: \"x y\", G: 'null', H: 1_0}\n"
    )
    actual, _ = read(tmp_path, lines)
    assert actual.extensions[0].defines == (
        ("A", "010"),
        ("B", "true"),
        ("C", None),
        ("D", ""),
        ("E", None),
        ("F", "x y"),
        ("G", "null"),
        ("H", "1_0"),
    )


def test_numbers_are_decimal_or_hexadecimal_and_sizes_have_units(tmp_path: Path) -> None:
    """K, M and G are 1024 to the first, second and third power; quotes change nothing."""
    spelled = {
        "a": ("0", "1", 0, 1),
        "b": ("'16'", "0x10", 16, 16),
        "c": ("0X20", "1K", 32, 1024),
        "d": ("0x1000", "2k", 4096, 2048),
        "e": ("1048576", "'3M'", 1048576, 3 * 1024 * 1024),
        "f": ("0x40000000", "1G", 0x40000000, 1024 * 1024 * 1024),
        "g": ("0xffffffffffffff00", "0x0100", 0xFFFFFFFFFFFFFF00, 256),
    }
    lines = [
        f"    - {{name: {name}, address: {address}, size: {size}, access: r}}"
        for name, (address, size, _, _) in spelled.items()
    ]
    text = "version: 1\nbase:\n  memory:\n" + "\n".join(lines) + "\n"
    actual, _ = read(tmp_path, text)
    assert [(each.name, each.address, each.size) for each in actual.base.memories] == [
        (name, address, size) for name, (_, _, address, size) in spelled.items()
    ]


def test_memories_may_touch(tmp_path: Path) -> None:
    """Ranges are half-open: one may begin where the other ends."""
    lines = (
        "version: 1\nbase:\n  memory:\n"
        "    - {name: high, address: 0x2000, size: 4K, access: rw}\n"
        "    - {name: low, address: 0x1000, size: 4K, access: rx}\n"
        "    - {name: top, address: 0xffffffffffff0000, size: 64K, access: rx}\n"
    )
    assert complaints(tmp_path, lines) == ""


def test_limits_themselves_are_allowed(tmp_path: Path) -> None:
    """A name of 15 characters, 8 providers, a symbol of 512 characters."""
    providers = [f"fifteen-chars-{each}" for each in range(8)]
    lines = ["version: 1", "extensions:"]
    lines += [f"  - {{name: {each}, objects: [{each}.o]}}" for each in providers]
    lines += [f"  - {{name: user, objects: [a.o], imports-from: [{', '.join(providers)}],"]
    lines += [f"     exports: [{'s' * 512}]}}"]
    assert complaints(tmp_path, "\n".join(lines)) == ""
    assert "with 513 characters, expected 512 at most" in complaints(
        tmp_path, "\n".join(lines).replace("s" * 512, "s" * 513)
    )


def test_shared_list_may_be_a_plain_list_and_is_read_once(tmp_path: Path) -> None:
    """A second use finds every name declared already, in the place where it is written."""
    lines = (
        "version: 1\nbase:\n  exports:\n"
        "    - {group: a, from: list.yml}\n    - {group: b, from: list.yml}\n"
    )
    assert complaints(tmp_path, lines, {"list.yml": "- one\n- two\n"}) == (
        "list.yml:1:3: error[M031]: export 'one' is declared twice\n"
        "list.yml:1:3: note: first here\nhint: remove one of them\n"
        "list.yml:2:3: error[M031]: export 'two' is declared twice\n"
        "list.yml:2:3: note: first here\nhint: remove one of them"
    )


def test_findings_in_a_shared_list_come_behind_those_of_the_manifest(tmp_path: Path) -> None:
    """Its path is shown from where the manifest's is shown."""
    lines = (
        "version: 1\nbase:\n  exports:\n    - {symbols: [zero], from: lists/a.yml}\n"
        "    - {from: lists/b.yml}\nextension: []\n"
    )
    files = {"lists/a.yml": "symbols: [one, zero, 1st]\nsymbols: []\n", "lists/b.yml": "{}\n"}
    assert complaints(tmp_path, lines, files) == (
        "llext.yml:6:1: error[M011]: unknown key 'extension' in a manifest\n"
        "hint: write 'extensions'\n"
        "lists/a.yml:1:16: error[M031]: export 'zero' is declared twice\n"
        "llext.yml:4:18: note: first here\nhint: remove one of them\n"
        "lists/a.yml:1:22: error[M030]: 'symbols' holds '1st', expected a C identifier that is"
        " no keyword or predefined name\n"
        "lists/a.yml:2:1: error[M005]: key 'symbols' is given twice\n"
        "lists/a.yml:1:1: note: first here\nhint: remove one of them\n"
        "lists/b.yml:1:1: error[M013]: missing key 'symbols' in a list of symbol names, or a"
        " mapping with the key 'symbols', expected a list of symbol names\n"
        "hint: add 'symbols: [sensor_sample_fetch, sensor_channel_get]'"
    )


def test_aliases_are_what_they_stand_for(tmp_path: Path) -> None:
    """Anchors are plain YAML, and people share flags with them."""
    lines = (
        "version: 1\nextensions:\n"
        "  - {name: a, objects: [a.o], cflags: &flags [-O2, -g]}\n"
        "  - {name: b, objects: [b.o], cflags: *flags}\n"
    )
    actual, _ = read(tmp_path, lines)
    assert actual.extensions[1].cflags == ("-O2", "-g")


def test_place_of_defaults_is_checked_once_and_gives_no_warning(tmp_path: Path) -> None:
    """It is for those extensions that are prelocated; the others ignore it."""
    lines = (
        "version: 1\nbase:\n  memory: [{name: rom, address: 0, size: 1K, access: rx}]\n"
        "defaults:\n  place: {text: rom, data: rom}\nextensions:\n"
        "  - {name: a, objects: [a.o]}\n  - {name: b, objects: [b.o], mode: prelocated}\n"
    )
    assert complaints(tmp_path, lines) == (
        "llext.yml:5:28: error[M043]: data is placed in 'rom' with access 'rx', expected one to"
        " write ('w')\nllext.yml:3:19: note: the memory"
    )


def test_warning_alone_does_not_stop_the_manifest(tmp_path: Path) -> None:
    """It comes back beside the record."""
    lines = (
        "version: 1\nbase:\n  memory: [{name: rom, address: 0, size: 1K, access: rx}]\n"
        "extensions: [{name: a, objects: [a.o], place: {text: rom}}]\n"
    )
    actual, warnings = read(tmp_path, lines)
    assert len(actual.extensions) == 1
    assert "\n".join(str(each) for each in warnings) == (
        "llext.yml:4:54: warning[M045]: 'place' has no effect: 'a' is relocatable\n"
        "hint: remove it, or write 'mode: prelocated'"
    )


def test_one_mistake_makes_one_finding(tmp_path: Path) -> None:
    """What depends on a value that is wrong already isn't judged by a guess."""
    lines = (
        "version: 1\nbase:\n  memory: [{name: rom, address: 0, size: none, access: rx}]\n"
        "extensions:\n  - {name: a, objects: [a.o], mode: prelinked, place: {text: rom}}\n"
        "  - {name: b c, objects: [b.o], mode: prelocated, place: rom}\n"
        "  - {name: d, objects: [d.o], imports-from: [b c]}\n"
    )
    assert [each[:22] for each in complaints(tmp_path, lines).splitlines() if "[M" in each] == [
        "llext.yml:3:42: error[",
        "llext.yml:5:37: error[",
        "llext.yml:6:12: error[",
        "llext.yml:6:58: error[",
    ]


def test_messages_show_the_path_that_they_are_given(tmp_path: Path) -> None:
    """The command line knows how the user would type it; without that it is the path itself."""
    path = written(tmp_path, "version: 1\n")
    actual, _ = manifest(path)
    assert actual.file == path
    path = written(tmp_path, "version: 1\nbase: {}\n")
    actual, _ = manifest(path, display="app/llext.yml")
    assert actual.base.at == place(2, 7, "app/llext.yml")
