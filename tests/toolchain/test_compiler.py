# SPDX-License-Identifier: Apache-2.0
"""Which compiler is found, and what is said where there is none."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

import pytest

from west_llext.diagnostics import LlextError, MissingError, Span
from west_llext.model.base import Abi
from west_llext.model.elf import Ident
from west_llext.model.manifest import Toolchain
from west_llext.toolchain import compiler as compiler_module
from west_llext.toolchain.compiler import Compiler, compiler, kind_of, runtime_library, version
from west_llext.toolchain.flags import Kind, Language
from west_llext.toolchain.machines import TARGETS

AT = Span(PurePath("llext.yml"), 4, 3)


@pytest.fixture
def search(tmp_path: Path) -> Path:
    """A folder that is all of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


@pytest.fixture
def _no_ziglang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler_module, "_packaged_zig", lambda: None)


def program(folder: Path, name: str) -> Path:
    """A program that does nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (f"{name}.exe" if os.name == "nt" else name)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def found(search: Path, base: Abi | None = None, **spec: object) -> Compiler:
    """The compiler of a toolchain record, with one folder in PATH."""
    return compiler(
        Toolchain(at=AT, **spec),  # type: ignore[arg-type]
        root=search.parent,
        environment={"PATH": str(search)},
        base=base,
    )


def image(machine: int, bits: int) -> Abi:
    """A base image without attributes."""
    return Abi(ident=Ident(machine=machine, bits=bits, little=True, flags=0))


def test_compilers_are_tried_in_the_order_in_which_users_have_them(search: Path) -> None:
    """Arm's own, the Zephyr SDK's, ziglang, clang."""
    clang = program(search, "clang")
    program(search, "ld.lld")
    sdk = program(search, "arm-zephyr-eabi-gcc")
    assert found(search).path == sdk
    arm = program(search, "arm-none-eabi-gcc")
    assert found(search).path == arm
    sdk.unlink()
    arm.unlink()
    assert found(search).path in {clang, compiler_module._packaged_zig()}


@pytest.mark.zig
def test_the_ziglang_package_comes_before_clang(search: Path) -> None:
    """Its program is called, not its Python module, which takes as long as a compilation."""
    program(search, "clang")
    chosen = found(search)
    assert chosen.kind is Kind.ZIG
    assert chosen.path.stem == "zig"
    assert "ziglang" in chosen.path.parts


@pytest.mark.usefixtures("_no_ziglang")
def test_no_compiler_at_all_is_one_message_with_one_thing_to_install(search: Path) -> None:
    """Everything that was looked for is named."""
    with pytest.raises(MissingError) as caught:
        found(search)
    assert str(caught.value) == (
        "llext.yml:4:3: error[T001]: no compiler for Arm found: looked for 'arm-none-eabi-gcc', "
        "'arm-zephyr-eabi-gcc' and 'clang' on PATH and for the Python package 'ziglang'\n"
        "hint: run 'pip install ziglang'"
    )


@pytest.mark.usefixtures("_no_ziglang")
def test_what_to_install_is_a_compiler_that_can_do_it(search: Path) -> None:
    """Zig makes no code for Xtensa."""
    with pytest.raises(MissingError) as caught:
        found(search, base=image(94, 32))
    assert str(caught.value) == (
        "llext.yml:4:3: error[T001]: no compiler for Xtensa found: looked for "
        "'xtensa-lx106-elf-gcc', 'xtensa-zephyr-elf-gcc' and 'clang' on PATH and for the "
        "Python package 'ziglang'\n"
        "hint: install 'xtensa-lx106-elf-gcc'"
    )


def test_a_compiler_that_was_asked_for_and_is_missing(search: Path) -> None:
    """No other one is taken in its stead."""
    program(search, "arm-none-eabi-gcc")
    with pytest.raises(MissingError) as caught:
        found(search, cc="arm-acme-eabi-gcc")
    assert str(caught.value) == (
        "llext.yml:4:3: error[T002]: compiler 'arm-acme-eabi-gcc' isn't on PATH\n"
        "hint: install 'arm-acme-eabi-gcc', or name another compiler as 'cc'"
    )


@pytest.mark.parametrize(
    ("cc", "hint"),
    [
        (
            "arm-none-eabi-gcc -mthumb -Os",
            "write 'cc: arm-none-eabi-gcc', and put the flags into 'cflags'",
        ),
        (
            "ccache arm-none-eabi-gcc",
            "write 'cc: arm-none-eabi-gcc', and 'launcher: [ccache]'",
        ),
        ("my gcc", "install 'my gcc', or name another compiler as 'cc'"),
    ],
)
def test_a_command_line_is_no_compiler(cc: str, hint: str, search: Path) -> None:
    """T002: as the variable CC has it in shells; here each word has its own key."""
    program(search, "arm-none-eabi-gcc")
    program(search, "ccache")
    with pytest.raises(MissingError) as caught:
        found(search, cc=cc)
    assert str(caught.value) == (
        f"llext.yml:4:3: error[T002]: compiler '{cc}' isn't on PATH\nhint: {hint}"
    )


@pytest.mark.usefixtures("_no_ziglang")
def test_zig_may_be_a_program_or_a_package(search: Path) -> None:
    """The message names both."""
    with pytest.raises(MissingError) as caught:
        found(search, cc="zig")
    assert str(caught.value) == (
        "llext.yml:4:3: error[T002]: compiler 'zig' isn't on PATH, and there is no Python package "
        "'ziglang'\nhint: run 'pip install ziglang'"
    )


def test_a_path_starts_at_the_manifest(search: Path) -> None:
    """Or is absolute; where it's wrong, that is said."""
    there = program(search.parent / "sdk" / "bin", "arm-acme-eabi-gcc")
    assert found(search, cc="sdk/bin/arm-acme-eabi-gcc").path == there
    assert found(search, cc=str(there)).path == there
    with pytest.raises(MissingError) as caught:
        found(search, cc="sdk/arm-acme-eabi-gcc")
    assert str(caught.value) == (
        "llext.yml:4:3: error[T002]: compiler 'sdk/arm-acme-eabi-gcc' isn't a program\n"
        "hint: install 'sdk/arm-acme-eabi-gcc', or name another compiler as 'cc'"
    )


def test_a_launcher_must_be_there(search: Path) -> None:
    """Otherwise every source would fail with a shell's message."""
    program(search, "arm-none-eabi-gcc")
    with pytest.raises(MissingError) as caught:
        found(search, launcher=("ccache", "-x"))
    assert str(caught.value) == (
        "llext.yml:4:3: error[T003]: launcher 'ccache' isn't on PATH\n"
        "hint: install 'ccache', or remove 'launcher'"
    )
    cache = program(search, "ccache")
    assert found(search, launcher=("ccache", "-x")).launcher == (str(cache), "-x")


@pytest.mark.parametrize(
    ("cc", "machine", "target"),
    [
        ("arm-none-eabi-gcc", (243, 32), "RISC-V"),
        ("riscv64-unknown-elf-gcc", (40, 32), "Arm"),
        ("x86_64-linux-gnu-gcc", (183, 64), "AArch64"),
    ],
)
def test_gcc_for_another_machine_is_refused(
    cc: str, machine: tuple[int, int], target: str, search: Path
) -> None:
    """T009, whole: it would complain of the flags of the base image's machine."""
    program(search, cc)
    with pytest.raises(LlextError) as caught:
        found(search, cc=cc, base=image(*machine))
    hint = f"set 'cc: {TARGETS[machine].gcc[0]}gcc'"
    message = f"{cc} makes no code for {target}"
    assert str(caught.value) == f"llext.yml:4:3: error[T009]: {message}\nhint: {hint}"


@pytest.mark.skipif(
    os.name == "nt",
    reason="Windows needs a privilege for symbolic links, and has no gcc that is one",
)
def test_the_gcc_of_the_host_is_told_by_what_it_links_to(search: Path) -> None:
    """T009: as Debian and its kin install it, over one more link."""
    program(search, "x86_64-linux-gnu-gcc-12")
    (search / "gcc-12").symlink_to("x86_64-linux-gnu-gcc-12")
    (search / "gcc").symlink_to("gcc-12")
    with pytest.raises(LlextError) as caught:
        found(search, cc="gcc", base=image(40, 32))
    assert str(caught.value) == (
        "llext.yml:4:3: error[T009]: gcc makes no code for Arm\nhint: set 'cc: arm-none-eabi-gcc'"
    )
    assert found(search, cc="gcc", base=image(62, 64)).path.name == "gcc"


@pytest.mark.parametrize("machine", [(3, 32), (62, 64)])
def test_gcc_for_x86_makes_code_of_either_size(machine: tuple[int, int], search: Path) -> None:
    """With -m32 and -m64."""
    cc = str(program(search, "x86_64-linux-gnu-gcc"))
    assert found(search, cc=cc, base=image(*machine)).machine == machine


def test_zig_is_refused_for_machines_that_it_lacks(search: Path) -> None:
    """LLVM has no ARC, and zig's build of it no Xtensa."""
    program(search, "zig")
    with pytest.raises(LlextError) as caught:
        found(search, cc="zig", base=image(195, 32))
    assert str(caught.value) == (
        "llext.yml:4:3: error[T009]: zig makes no code for ARC\nhint: set 'cc: arc-zephyr-elf-gcc'"
    )


@pytest.mark.parametrize(
    ("base", "spec", "expected"),
    [
        (None, {}, (40, 32)),
        (image(243, 32), {}, (243, 32)),
        (image(243, 64), {}, (243, 64)),
        (image(243, 64), {"cflags": ("-mcpu=cortex-m3",)}, (40, 32)),
        (None, {"target": "riscv32-freestanding"}, (243, 32)),
        (None, {"cflags": ("-march=rv64gc",)}, (243, 64)),
        # an Armv8 core runs code of either
        (image(40, 32), {"cflags": ("-mcpu=cortex-a53",)}, (40, 32)),
        (None, {"cc": "arm-none-eabi-gcc", "cflags": ("-march=armv8-a",)}, (40, 32)),
    ],
)
def test_the_machine_is_what_is_said_most_plainly(
    search: Path, base: Abi | None, spec: dict[str, object], expected: tuple[int, int]
) -> None:
    """A triple, then flags, then the base image, then the compiler's name, then Arm."""
    for name in ("arm-none-eabi-gcc", "riscv64-unknown-elf-gcc"):
        program(search, name)
    assert found(search, base, **spec).machine == expected


def test_the_base_image_chooses_the_processor_where_no_flag_does(search: Path) -> None:
    """Flags that come later win, so the derived ones come first."""
    program(search, "arm-none-eabi-gcc")
    base = Abi(
        ident=Ident(machine=40, bits=32, little=True, flags=0), attributes={6: 10, 7: ord("M")}
    )
    assert found(search, base, cflags=("-Wall",)).flags == (
        "-march=armv7-m", "-mthumb", "-mfloat-abi=soft", "-Wall"
    )  # fmt: skip
    assert found(search, base, cflags=("-mcpu=cortex-m0",)).flags == ("-mcpu=cortex-m0",)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("arm-none-eabi-gcc", Kind.GCC), ("gcc-12", Kind.GCC), ("cc", Kind.GCC), ("zig", Kind.ZIG),
        ("clang", Kind.CLANG), ("clang-17", Kind.CLANG), ("zig.exe", Kind.ZIG),
        ("armclang", Kind.CLANG), ("x86_64-zephyr-elf-gcc", Kind.GCC),
    ],
)  # fmt: skip
def test_the_name_tells_whose_command_line_it_is(name: str, kind: Kind) -> None:
    """Nothing has to run for it."""
    assert kind_of(name) is kind


def test_clang_merges_with_the_lld_of_its_release(search: Path) -> None:
    """clang-17 with ld.lld-17, else any ld.lld, else GNU's, else nothing."""
    program(search, "clang-17")
    assert found(search, cc="clang-17").linker is None
    gnu = program(search, "arm-none-eabi-ld")
    assert found(search, cc="clang-17").linker == (str(gnu), "-r", "-m", "armelf")
    for name in ("ld.lld", "ld.lld-17"):
        lld = program(search, name)
        assert found(search, cc="clang-17").linker == (
            str(lld), "-r", "-m", "armelf", "--error-limit=0"
        )  # fmt: skip


def test_gcc_merges_by_itself_and_zig_by_its_lld(search: Path) -> None:
    """Both bring their linker."""
    gcc, zig = program(search, "arm-none-eabi-gcc"), program(search, "zig")
    assert found(search, cc="arm-none-eabi-gcc").linker == (str(gcc), "-r", "-nostdlib")
    assert found(search, cc="zig").linker == (
        str(zig), "ld.lld", "-r", "-m", "armelf", "--error-limit=0"
    )  # fmt: skip


def test_another_program_is_another_stamp(search: Path) -> None:
    """Objects are made anew when the compiler was replaced."""
    path = program(search, "arm-none-eabi-gcc")
    before = found(search).stamp
    assert found(search).stamp == before
    path.write_text("#!/bin/sh\n# a newer one\n")
    assert found(search).stamp != before


def test_words_begin_with_the_program(search: Path) -> None:
    """Whatever the kind."""
    gcc = program(search, "arm-none-eabi-gcc")
    assert found(search).words(Language.C, ()) == (str(gcc),)


@pytest.mark.skipif(os.name == "nt", reason="the program is a script")
def test_clang_without_a_library_of_helpers(search: Path) -> None:
    """It names a file whether there is one or not."""
    clang = program(search, "clang")
    clang.write_text("#!/bin/sh\necho /nowhere/libclang_rt.builtins.a\n")
    with pytest.raises(MissingError) as caught:
        runtime_library(found(search, cc="clang"))
    assert str(caught.value) == (
        f"{clang.as_posix()}: error[T018]: 'clang' has no library of compiler helpers for Arm: "
        "expected '/nowhere/libclang_rt.builtins.a'\n"
        "hint: export the helpers from the base image and set 'compiler-runtime: base'"
    )
    library = search / "libclang_rt.builtins.a"
    library.write_bytes(b"!<arch>\n")
    clang.write_text(f"#!/bin/sh\necho {library}\n")
    assert runtime_library(found(search, cc="clang")) == library


@pytest.mark.cross
def test_a_compiler_says_what_it_is() -> None:
    """One line, for reports."""
    chosen = compiler(Toolchain(cc="arm-none-eabi-gcc"), root=Path.cwd(), environment=os.environ)
    assert version(chosen).startswith("arm-none-eabi-gcc ")


@pytest.mark.zig
def test_zig_says_what_it_is() -> None:
    """Its version alone doesn't name it."""
    chosen = compiler(Toolchain(cc="zig"), root=Path.cwd(), environment={"PATH": ""})
    assert version(chosen).startswith("zig 0.")
