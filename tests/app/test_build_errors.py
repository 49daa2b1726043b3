# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong, every earlier output stays as it was, and everything wrong is said at once."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support import elfbuild
from support.commands import command
from support.elfbuild import FUNC, SHF_ALLOC, SHF_EXECINSTR, Rel, Sec, Sym
from support.project import demo_object
from support.sample import COMPILERS, Sample
from support.workshop import RAM, SYMBOLS, Part, Workshop, base_elf
from support.zephyrbuild import build_dir

from west_llext.app.build import build
from west_llext.app.inputs import inputs
from west_llext.diagnostics import LlextError, MissingError, UsageError
from west_llext.emit import files

Samples = Callable[[str], Sample]


@pytest.fixture
def made(tmp_path: Path) -> Workshop:
    """A project that has been built."""
    workshop = Workshop(
        tmp_path,
        [
            Part(name="a"),
            Part(name="b", calls=("a_run",), imports_from=("a",)),
            Part(name="c", mode="bound"),
            Part(name="d", mode="relocatable"),
        ],
    )
    workshop.build()
    return workshop


def edited(made: Workshop) -> None:
    """Change every extension, so that a build that wrote anything would show."""
    made.parts = [replace(each, code=each.code + 40, seed=1) for each in made.parts]


def test_undefined_symbols_of_all_extensions_are_reported_together(made: Workshop) -> None:
    """In the order of the manifest."""
    edited(made)
    made.parts[0] = replace(made.parts[0], calls=("prinkt", "gone"))
    made.parts[3] = replace(made.parts[3], calls=("c_run",))
    assert made.failure() == [
        (
            "a.o: error[S001]: extension 'a' needs 'prinkt' (at .text+0x2): nothing defines it\n"
            "hint: did you mean 'printk'?"
        ),
        "a.o: error[S001]: extension 'a' needs 'gone' (at .text+0x6): nothing defines it",
        (
            "d.o: error[S004]: extension 'd' needs 'c_run' (at .text+0x2): 'c' exports it, but "
            "'imports-from' doesn't name it\nhint: add 'imports-from: [c]'"
        ),
    ]


def test_a_value_that_does_not_fit_stops_the_build(made: Workshop) -> None:
    """R_ARM_ABS8 (AAELF32: -128 to 255) can't hold an address of the base image."""
    edited(made)
    made.write()
    narrow = elfbuild.elf(
        sections=[
            Sec(
                name=".text",
                flags=SHF_ALLOC | SHF_EXECINSTR,
                content=bytes(4),
                relocations=[Rel(offset=0, type=8, symbol="printk")],
            )
        ],
        symbols=[Sym(name="c_run", value=1, type=FUNC, section=".text"), Sym(name="printk")],
    )
    (made.root / "c.o").write_bytes(narrow)
    found = refused(made)
    assert [each.split("]")[0] for each in found] == ["c.o: error[R003"]


def refused(made: Workshop) -> list[str]:
    """What a build of the files as they are says; nothing may have changed."""
    before = made.outputs()
    with pytest.raises(LlextError) as caught:
        build(made.request())
    assert before == made.outputs()
    return [str(each) for each in caught.value.diagnostics]


def test_a_full_memory_stops_the_build_and_blames_nobody_else(made: Workshop) -> None:
    """What imports from the extension without a place isn't said to be out of its reach."""
    made.memory = ("{name: rom, address: 0x00100000, size: 64K, access: rx}", RAM)
    made.parts[0] = replace(made.parts[0], code=70_000)
    assert made.failure() == [
        (
            "llext.yml:10:11: error[P001]: extension 'a' needs 70024 bytes (4-aligned) in memory "
            "'rom', 65480 of 65536 are free, 65424 in one piece\n"
            "hint: make 'rom' larger, or place something elsewhere"
        )
    ]


def test_errors_of_every_kind_come_together(made: Workshop) -> None:
    """Unreadable, unfit, undefined, unplaceable: one run shows all four."""
    edited(made)
    made.parts[1] = replace(made.parts[1], data=20_000)
    made.parts[2] = replace(made.parts[2], calls=("gone",))
    made.write()
    (made.root / "a.o").write_bytes(b"\x7fELF nonsense")
    (made.root / "d.o").write_bytes(made.parts[3].object(machine=243))
    codes = [each.split("[")[1].split("]")[0] for each in refused(made)]
    assert sorted(codes) == ["B010", "L002", "P001", "S001", "S013"]


def test_symbols_of_an_unreadable_provider_are_not_said_to_be_missing(made: Workshop) -> None:
    """The one finding is about the provider; what its importer lacks is a note of one line."""
    made.write()
    (made.root / "a.o").unlink()
    assert refused(made) == [
        "a.o: error[L001]: can't read 'a.o': No such file or directory",
        (
            "llext.yml:19:20: note[S013]: nobody knows where extension 'b' finds 'a_run', because "
            "the exports of 'a', which it imports from, aren't known"
        ),
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            Part(name="c").object(file_type=elfbuild.ET_EXEC),
            "c.o: error[L003]: 'c.o' is no relocatable object (its e_type is 2)",
        ),
        (
            Part(name="c").object(file_type=elfbuild.ET_DYN),
            (
                "c.o: error[L003]: 'c.o' is a shared object (it has R_ARM_THM_CALL): its code "
                "counts on the distance to its data, which the loader doesn't keep on arm\n"
                "hint: link it with 'ld -r' instead of -shared, from objects compiled without -fPIC"
            ),
        ),
        (
            Part(name="c").object(machine=243),
            (
                "c.o: error[B010]: it is for RISC-V (e_machine 243), the base image 'base.elf' for "
                "Arm (e_machine 40)\nhint: compile with the base image's compiler"
            ),
        ),
        (
            Part(name="c").object(little=False),
            (
                "c.o: error[B012]: it is big-endian, the base image 'base.elf' is little-endian\n"
                "hint: compile with -mlittle-endian"
            ),
        ),
        (
            Part(name="c").object(bits=64),
            (
                "c.o: error[B011]: it has 64-bit addresses, the base image 'base.elf' has 32-bit "
                "ones\nhint: compile with the base image's -mabi or -m option"
            ),
        ),
    ],
)
def test_an_object_that_does_not_suit_the_base_image_has_one_finding(
    content: bytes, expected: str, made: Workshop
) -> None:
    """What would follow from it isn't looked for."""
    made.write()
    (made.root / "c.o").write_bytes(content)
    assert [expected] == refused(made)


def test_an_object_for_a_machine_without_support_is_said_to_be_that(tmp_path: Path) -> None:
    """Where no base image says which machine it should be for."""
    alone = Workshop(tmp_path, [Part(name="a", mode="relocatable")], base=None)
    alone.write()
    (tmp_path / "a.o").write_bytes(alone.parts[0].object(machine=8))
    assert refused(alone) == ["a.o: error[L003]: 'a.o' is for e_machine 8, which isn't supported"]


def test_an_object_without_machine_code_is_said_to_be_that(made: Workshop) -> None:
    """Else nothing but missing exports would be found, which is no help."""
    made.write()
    section = Sec(name=".gnu.lto_.inline.5eed", flags=0x80000000, content=bytes(64))
    code = Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=b"")
    (made.root / "c.o").write_bytes(elfbuild.elf(sections=[code, section]))
    expected = (
        "c.o: error[L003]: 'c.o' holds no machine code, only what gcc's link-time optimisation "
        "works on\nhint: compile it with -ffat-lto-objects, or without -flto"
    )
    assert refused(made) == [expected]


def test_a_mode_that_needs_addresses_needs_a_base_image(tmp_path: Path) -> None:
    """Both are named; a relocatable one isn't."""
    parts = [Part(name="a"), Part(name="b", mode="bound"), Part(name="c", mode="relocatable")]
    alone = Workshop(tmp_path, parts, base=None)
    hint = "\nhint: set 'base.image' or 'base.build-dir', or pass a build directory with '-d'"
    text = "but the manifest names no base image to take addresses from"
    assert alone.failure() == [
        f"llext.yml:9:11: error[B020]: extension 'a' is prelocated, {text}{hint}",
        f"llext.yml:14:11: error[B020]: extension 'b' is bound, {text}{hint}",
    ]


@pytest.mark.parametrize(
    ("machine", "version", "text"),
    [
        (243, "3.5.99", "no loader for RISC-V: 4.0"),
        (243, "4.0.0", None),
        (183, "3.6.0", "no loader for AArch64: 3.7"),
        (183, "3.7.0", None),
        (94, "3.5.0", "no loader for Xtensa: 3.6"),
        (40, "3.5.0", None),
        (243, None, None),
    ],
)
def test_a_release_without_a_loader_for_the_machine_is_warned_of(
    machine: int, version: str | None, text: str | None, tmp_path: Path
) -> None:
    """It would pass over relocations in silence. What is prelocated needs no loader."""
    parts = [Part(name="a"), Part(name="b", mode="bound"), Part(name="c", mode="relocatable")]
    base = bytearray(base_elf())
    base[18] = machine  # e_machine
    shop = Workshop(tmp_path, parts, base=bytes(base), version=version)
    shop.write()
    release = f"Zephyr {version} has {text} was the first"
    hint = "\nhint: set 'mode: prelocated', which needs none"
    expected = [
        f"llext.yml:16:11: warning[B022]: extension 'b' is bound, but {release}{hint}",
        f"llext.yml:20:11: warning[B022]: extension 'c' is relocatable, but {release}{hint}",
    ]
    found = [str(each) for each in inputs(shop.request()).findings if each.code == "B022"]
    assert found == ([] if text is None else expected)


@pytest.mark.parametrize(
    ("setting", "version", "text"),
    [
        ("RISCV", "3.5.99", "no loader for RISC-V: 4.0"),
        ("RISCV", "4.0.0", None),
        ("ARM64", "3.6.0", "no loader for AArch64: 3.7"),
        ("XTENSA", "3.5.0", "no loader for Xtensa: 3.6"),
        ("ARM", "3.5.0", None),
    ],
)
def test_the_machine_is_known_before_the_image_is_linked(
    setting: str, version: str, text: str | None, tmp_path: Path
) -> None:
    """An extension that the image is to contain; the build directory tells both."""
    files = {
        "zephyr/.config": f"CONFIG_LLEXT=y\nCONFIG_{setting}=y\n",
        "zephyr/include/generated/zephyr/version.h": (
            f'#define KERNEL_VERSION_STRING "{version}"\n'
        ),
    }
    build_dir(tmp_path / "build", files=files)
    (tmp_path / "build" / "zephyr" / "zephyr.elf").unlink()
    (tmp_path / "demo.o").write_bytes(demo_object())
    (tmp_path / "llext.yml").write_text(
        "version: 1\nbase: {exports: [printk]}\n"
        "extensions: [{name: demo, objects: [demo.o], exports: [demo_run]}]\n",
        encoding="utf-8",
    )
    ran = command("check", "-d", "build", "--no-image", folder=tmp_path)
    expected = (
        "llext.yml:3:21: warning[B022]: extension 'demo' is relocatable, but Zephyr "
        f"{version} has {text} was the first\n"
        "hint: set 'mode: prelocated', which needs none\n"
    )
    assert ran.status == 0
    assert ran.out == ("1 extension: no findings\n" if text is None else f"{expected}1 warning\n")


def test_an_unknown_extension_is_an_error_of_the_command_line(made: Workshop) -> None:
    """Building nothing would look like success."""
    with pytest.raises(UsageError) as caught:
        build(made.request("c", "e", "zzz"))
    assert [str(each) for each in caught.value.diagnostics] == [
        "llext.yml: error[O009]: there is no extension 'e' in it",
        "llext.yml: error[O009]: there is no extension 'zzz' in it",
    ]


def test_a_missing_base_image_is_an_error_of_the_environment(made: Workshop) -> None:
    """The manifest may be fine."""
    (made.root / "base.elf").unlink()
    with pytest.raises(MissingError) as caught:
        build(made.request())
    assert [str(each) for each in caught.value.diagnostics] == [
        (
            "llext.yml:4:10: error[L001]: can't read 'base.elf': No such file or directory\n"
            "hint: build the base image first"
        )
    ]


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_compile_error_changes_no_output(compiler: str, sample_of: Samples) -> None:
    """Others of its sources and other extensions are compiled all the same, for their errors."""
    sample = sample_of(compiler)
    for name in ("src/fir.c", "src/words.c"):
        with (sample.root / name).open("a", encoding="utf-8") as file:
            file.write("\nint x = ;\n")
    with (sample.root / "src" / "iir.c").open("a", encoding="utf-8") as file:
        file.write("\nint more;\n")
    found = sample.failure()
    assert [each.split(" error[")[0] for each in found] == [
        "src/words.c:9:9:",
        "src/fir.c:35:9:",
    ]
    assert all("error[T010]: " in each and "expected expression" in each for each in found)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_symbol_that_sources_lack_is_found_after_compiling(
    compiler: str, sample_of: Samples
) -> None:
    """With file and line of the source that needs it, where there is debug information."""
    sample = sample_of(compiler)
    text = sample.manifest.read_text(encoding="utf-8")
    sample.manifest.write_text(text.replace("[-Os]", "[-Os, -g]"), encoding="utf-8")
    with (sample.root / "src" / "iir.c").open("a", encoding="utf-8") as file:
        file.write("\nint nowhere(int);\nint more(int x)\n{\n\treturn nowhere(x);\n}\n")
    found = sample.failure()
    assert len(found) == 1
    assert found[0].startswith(
        "src/iir.c:17:9: error[S001]: extension 'filters' needs 'nowhere' (build/llext/obj/filters/"
        "merged.o, at .text."
    )


def test_an_output_folder_that_is_a_file_is_an_error_before_anything(made: Workshop) -> None:
    """It can't be made a folder."""
    edited(made)
    made.write()
    blocked = made.root / "blocked"
    blocked.write_bytes(b"mine")
    with pytest.raises(MissingError) as caught:
        build(replace(made.request(), output=blocked / "out"))
    assert [each.code for each in caught.value.diagnostics] == ["O001"]
    assert blocked.read_bytes() == b"mine"
    assert b'"size": 68' not in made.lock.read_bytes()


@pytest.mark.parametrize("name", ["b.llext", "d.elf", "rom.bin", "llext-build.json"])
def test_a_folder_in_the_way_of_a_file_is_found_before_anything_is_written(
    name: str, made: Workshop
) -> None:
    """The file could not be renamed over it, half way through."""
    edited(made)
    path = made.output / name
    path.unlink()
    path.mkdir()
    found = made.failure()
    assert [each.split(": ")[1] for each in found] == ["error[O001]"]
    assert "Is a directory" in found[0]


@pytest.mark.parametrize("allowed", range(0, 20, 3))
def test_a_disk_that_fills_up_changes_no_output(
    allowed: int, made: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any file: all of them are written aside before the first one is replaced."""
    edited(made)
    made.write()
    create = files.create
    written = []

    def fill(path: str, data: bytes) -> None:
        if len(written) >= allowed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        written.append(path)
        create(path, data)

    monkeypatch.setattr(files, "create", fill)
    before = made.outputs()
    with pytest.raises(MissingError) as caught:
        build(made.request())
    assert [each.hint for each in caught.value.diagnostics] == ["free space on that disk"]
    assert before == made.outputs()
    monkeypatch.undo()
    made.build()
    other = Workshop(made.root / "other", made.parts)
    other.lock.parent.mkdir()
    other.lock.write_bytes(made.lock.read_bytes())
    other.build()
    assert other.outputs() == made.outputs()


def test_an_export_that_the_base_lacks_and_nobody_needs_is_a_warning(made: Workshop) -> None:
    """The base image couldn't be linked with its table, but extensions can be built."""
    made.exports = [*SYMBOLS, "not_there_yet"]
    expected = (
        "llext.yml:5:54: warning[S014]: the manifest exports 'not_there_yet', but base image "
        "'base.elf' doesn't define it\nhint: define it there, or remove it from 'base.exports'"
    )
    assert [str(each) for each in made.warnings()] == [expected]


def test_messages_spell_every_path_from_where_the_user_is(tmp_path: Path) -> None:
    """As the path to the manifest was given, so that editors and annotations find the files."""
    made = Workshop(tmp_path, [Part(name="a", calls=("gone",)), Part(name="b")])
    made.write()
    (tmp_path / "b.o").write_bytes(made.parts[1].object(little=False))
    with pytest.raises(LlextError) as caught:
        build(replace(made.request(), display="apps/fir/llext.yml"))
    assert [str(each) for each in caught.value.diagnostics] == [
        "apps/fir/a.o: error[S001]: extension 'a' needs 'gone' (at .text+0x2): nothing defines it",
        (
            "apps/fir/b.o: error[B012]: it is big-endian, the base image 'apps/fir/base.elf' is "
            "little-endian\nhint: compile with -mlittle-endian"
        ),
    ]


@pytest.mark.cross
def test_messages_about_sources_spell_them_from_where_the_user_is(sample_of: Samples) -> None:
    """Whether the compiler found something or the link."""
    sample = sample_of("gcc")
    text = sample.manifest.read_text(encoding="utf-8")
    sample.manifest.write_text(text.replace("[-Os]", "[-Os, -g]"), encoding="utf-8")
    asked = replace(sample.request(), display="../sample/llext.yml")
    source = sample.root / "src" / "iir.c"
    correct = source.read_text(encoding="utf-8")
    for line, place in (
        (
            "int gone(void);\nint more(void)\n{\n\treturn gone();\n}\n",
            "src/iir.c:16:9: error[S001]",
        ),
        ("int x = ;\n", "src/iir.c:13:9: error[T010]"),
    ):
        source.write_text(correct + line, encoding="utf-8")
        with pytest.raises(LlextError) as caught:
            build(asked)
        assert str(caught.value.diagnostics[0]).startswith(f"../sample/{place}")


@pytest.mark.cross
def test_folders_of_headers_that_are_not_there_explain_missing_headers(
    sample_of: Samples,
) -> None:
    """T024, once for each place; where everything compiles nobody needs them."""
    sample = sample_of("gcc")
    text = sample.manifest.read_text(encoding="utf-8")
    extra = text.replace("include-dirs: [include]", "include-dirs: [include, generated]")
    sample.manifest.write_text(extra, encoding="utf-8")
    sample.build()
    wrong = text.replace("include-dirs: [include]", "include-dirs: [inlcude]")
    sample.manifest.write_text(wrong, encoding="utf-8")
    line = wrong[: wrong.index("inlcude")].count("\n") + 1
    with pytest.raises(LlextError) as caught:
        build(sample.request())
    first, *rest = [str(each) for each in caught.value.diagnostics]
    assert first == (
        f"llext.yml:{line}:18: warning[T024]: there is no folder 'inlcude' to find headers in\n"
        "hint: correct it, or remove it from 'include-dirs'"
    )
    assert rest
    assert all("No such file or directory" in each for each in rest)
