# SPDX-License-Identifier: Apache-2.0
"""What has to run for an extension, and what is refused before anything does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path, PurePath

import pytest
from support.compiling import extension

from west_llext.diagnostics import LlextError, MissingError, Span
from west_llext.model.manifest import CompilerRuntime, Extension, FileRef
from west_llext.toolchain.compiler import Compiler
from west_llext.toolchain.flags import Kind
from west_llext.toolchain.ninja import Host
from west_llext.toolchain.plan import Plan, Request, needs_compiler, plan

ROOT = Path("/code/project").absolute()
AT = Span(PurePath("llext.yml"), 9, 5)

GCC = Compiler(
    kind=Kind.GCC,
    path=Path("/opt/arm-none-eabi-gcc"),
    linker=("/opt/arm-none-eabi-gcc", "-r", "-nostdlib"),
    launcher=(),
    flags=("-mcpu=cortex-m3", "-mthumb"),
    machine=(40, 32),
    triple=None,
    stamp="1",
)
ZIG = replace(
    GCC,
    kind=Kind.ZIG,
    path=Path("/opt/zig"),
    linker=("/opt/zig", "ld.lld", "-r", "-m", "armelf"),
)


def ref(text: str, line: int = 12) -> FileRef:
    """A file that the manifest names."""
    return FileRef(text=text, path=ROOT / text, at=Span(PurePath("llext.yml"), line, 16))


def planned(*extensions: Extension, compiler: Compiler | None = GCC, root: Path = ROOT) -> Plan:
    """A plan."""
    return plan(
        Request(
            root=root,
            folder=root / "build/obj",
            extensions=extensions,
            compiler=compiler,
            host=Host.POSIX,
            python="/usr/bin/python3",
        )
    )


def words(plan: Plan) -> list[str]:
    """The commands of a plan without the program."""
    return [" ".join(step.words[1:]) for step in plan.steps]


def refusal(*extensions: Extension, compiler: Compiler = GCC) -> str:
    """What is said of extensions that can't be planned."""
    with pytest.raises(LlextError) as caught:
        planned(*extensions, compiler=compiler)
    return str(caught.value)


def test_one_prebuilt_object_needs_neither_steps_nor_a_compiler() -> None:
    """The link reads it where it is."""
    one = extension("one", objects=[ref("prebuilt.o")])
    assert not needs_compiler([one])
    found = planned(one, compiler=None)
    assert found.steps == ()
    assert found.files == ()
    assert found.objects == {"one": ROOT / "prebuilt.o"}


@pytest.mark.parametrize(
    "one",
    [
        extension(sources=[ref("a.c")]),
        extension(objects=[ref("a.o"), ref("b.o")]),
        extension(objects=[ref("a.a")], exports=["a"]),
        extension(objects=[ref("a.o")], runtime=CompilerRuntime.TOOLCHAIN),
    ],
)
def test_everything_else_needs_a_compiler(one: Extension) -> None:
    """To compile, to merge, or for its helpers."""
    assert needs_compiler([one])
    assert planned(one).steps


def test_options_come_in_an_order_in_which_the_nearest_wins() -> None:
    """Our defaults, the toolchain's, the extension's, defines, folders."""
    one = extension(
        sources=[ref("src/a.c")],
        cflags=["-O2", "-fcommon"],
        defines=[("ORDER", "8"), ("BARE", None)],
        include_dirs=[ref("include"), ref("../shared")],
    )
    (command,) = words(planned(one))
    assert command == (
        "-fno-pic -fno-pie -fno-common -fno-unwind-tables -fno-asynchronous-unwind-tables "
        "-fno-stack-protector -ffunction-sections -fdata-sections -Wdate-time -fno-builtin-printf "
        f"-fno-builtin-fprintf -DLL_EXTENSION_BUILD -g -ffile-prefix-map={ROOT.as_posix()}=. "
        "-frandom-seed=one/src/a.c.o -mcpu=cortex-m3 -mthumb -O2 -fcommon -DORDER=8 -DBARE "
        "-Iinclude -I../shared -MD -MF build/obj/one/src/a.c.o.d -MT o "
        "-c src/a.c -o build/obj/one/src/a.c.o"
    )


def test_several_objects_are_merged_in_the_order_of_the_manifest() -> None:
    """Sources, then objects and archives; exports are roots where archives are."""
    one = extension(
        sources=[ref("a.c")], objects=[ref("b.o"), ref("lib.a")], exports=["run", "stop"]
    )
    assert words(planned(one))[-1] == (
        "-r -nostdlib -mcpu=cortex-m3 -mthumb -o build/obj/one/merged.o -u run -u stop "
        "build/obj/one/a.c.o b.o lib.a"
    )
    assert planned(one).objects == {"one": ROOT / "build/obj/one/merged.o"}


def test_gcc_finds_its_helpers_by_itself() -> None:
    """-lgcc: the library for the very machine flags."""
    one = extension(sources=[ref("a.c")], runtime=CompilerRuntime.TOOLCHAIN)
    assert words(planned(one))[-1].endswith(" build/obj/one/a.c.o -lgcc")


def test_sources_in_cpp_begin_with_a_header_where_the_compiler_needs_it() -> None:
    """clang and zig, whose static objects would import `atexit`; objects don't say where it is."""
    one = extension(sources=[ref("a.cpp"), ref("b.c")])
    for compiler, text in ((GCC, ""), (ZIG, "build/obj/at_exit.h")):
        made = planned(one, compiler=compiler)
        cpp, c = words(made)[:2]
        assert ("-include build/obj/at_exit.h" in cpp) == bool(text)
        assert ("-ffile-prefix-map=build/obj=west-llext" in cpp) == bool(text)
        assert "at_exit" not in c
        assert [path for path, _ in made.files if path.name == "at_exit.h"] == [
            ROOT / each for each in [text] if each
        ]


def test_zigs_helpers_are_made_once_for_all_extensions_with_the_same_target() -> None:
    """They take seconds."""
    runtime = CompilerRuntime.TOOLCHAIN
    found = planned(
        extension("one", sources=[ref("a.c")], runtime=runtime),
        extension("two", sources=[ref("a.c")], runtime=runtime),
        extension("three", sources=[ref("a.c")], runtime=runtime, cflags=["-mcpu=cortex-m0"]),
        compiler=ZIG,
    )
    made = [each for each in words(found) if each.startswith("build-lib")]
    assert [each.split("-mcpu=")[1].split()[0] for each in made] == ["cortex_m3", "cortex_m0"]


def test_a_launcher_starts_compilers_but_no_merge() -> None:
    """ccache and its like know compilers only."""
    one = extension(sources=[ref("a.c"), ref("b.c")])
    found = planned(one, compiler=replace(GCC, launcher=("/usr/bin/ccache", "-x")))
    assert [step.words[0] for step in found.steps] == [
        "/usr/bin/ccache", "/usr/bin/ccache", "/opt/arm-none-eabi-gcc"
    ]  # fmt: skip
    assert found.steps[0].words[:3] == ("/usr/bin/ccache", "-x", "/opt/arm-none-eabi-gcc")


def test_editors_get_a_compilation_database() -> None:
    """clangd's format; the launcher is none of its business."""
    one = extension(sources=[ref("a.c"), ref("b.s")])
    found = planned(one, compiler=replace(GCC, launcher=("ccache",)))
    rows = json.loads(dict(found.files)[ROOT / "build/obj/compile_commands.json"])
    assert [row["file"] for row in rows] == ["a.c", "b.s"]
    assert {row["directory"] for row in rows} == {str(ROOT)}
    assert rows[0]["arguments"][0] == "/opt/arm-none-eabi-gcc"
    assert rows[0]["output"] == "build/obj/one/a.c.o"


def test_a_plan_is_the_same_whenever_it_is_made() -> None:
    """And another one with another compiler or command."""
    one = extension(sources=[ref("a.c"), ref("b.c")], runtime=CompilerRuntime.TOOLCHAIN)
    for compiler in (GCC, ZIG):
        assert planned(one, compiler=compiler) == planned(one, compiler=compiler)
    digests = {
        planned(one).digest,
        planned(one, compiler=replace(GCC, stamp="2")).digest,
        planned(one, compiler=ZIG).digest,
        planned(replace(one, cflags=("-O1",))).digest,
    }
    assert len(digests) == 4


def test_commands_dont_know_where_the_root_is() -> None:
    """But for the flag that keeps it out of the objects."""
    one = extension(sources=[ref("src/a.c")], include_dirs=[ref("include")])
    command = words(planned(one))[0].replace(f"-ffile-prefix-map={ROOT.as_posix()}=.", "")
    assert ROOT.as_posix() not in command


def test_equal_base_names_are_two_objects() -> None:
    """Also outside of the root."""
    sources = [ref("a/x.c"), ref("b/x.c"), ref("../x.c"), ref("../../x.c"), ref("x.S"), ref("x.c")]
    outputs = [step.output for step in planned(extension(sources=sources)).steps]
    assert len(set(outputs)) == 7
    assert all(each.startswith("build/obj/one/") and ".." not in each for each in outputs)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("src/fir.h", "remove it: headers are found in 'include-dirs' and beside the sources"),
        ("src/fir.HPP", "remove it: headers are found in 'include-dirs' and beside the sources"),
        ("src", "name each file, also those of a folder"),
        ("fir.o", "list files that are compiled already as 'objects'"),
        ("fir.rs", "list files that are compiled already as 'objects'"),
    ],
)
def test_what_is_no_source_has_another_place(name: str, hint: str) -> None:
    """T005."""
    text = refusal(extension(sources=[ref(name)], at=AT))
    suffix = name[name.find(".") :] if "." in name else ""
    assert text == (
        f"llext.yml:12:16: error[T005]: source '{name}' has suffix '{suffix}', expected one of "
        f".C, .S, .c, .c++, .cc, .cp, .cpp, .cxx, .s, .sx\nhint: {hint}"
    )


def test_everything_that_is_wrong_is_said_at_once() -> None:
    """In the order of the manifest, over all extensions."""
    text = refusal(
        extension("one", sources=[ref("a.rs"), ref("b.c", 13), ref("./b.c", 14)], at=AT),
        extension("two", sources=[ref("a.c")], cflags=["-O2", "-o", "x"], at=AT),
        extension("three", objects=[ref("lib.a")], at=AT),
        extension("four", at=AT),
        extension("five", sources=[ref("a|b.c")], at=AT),
        extension("six", sources=[ref("a.c")], defines=[("X", "1\n2")], at=AT),
        extension("seven", objects=[ref("a.o"), ref("start.S", 15)], at=AT),
    )
    assert text == (
        "llext.yml:12:16: error[T005]: source 'a.rs' has suffix '.rs', expected one of .C, .S, "
        ".c, .c++, .cc, .cp, .cpp, .cxx, .s, .sx\n"
        "hint: list files that are compiled already as 'objects'\n"
        "llext.yml:14:16: error[T007]: source './b.c' of extension 'one' is listed twice\n"
        "hint: remove one of them\n"
        "llext.yml:9:5: error[T006]: flag '-o' of 'two' would decide where objects go, which is "
        "fixed\n"
        "hint: remove '-o' from 'cflags'\n"
        "llext.yml:9:5: error[T008]: extension 'three' has only archives and no 'exports', so "
        "that no member of them is needed\n"
        "hint: list the functions that it is for as 'exports'\n"
        "llext.yml:9:5: error[T008]: extension 'four' has neither sources nor objects\n"
        "hint: add 'sources' or 'objects'\n"
        "llext.yml:12:16: error[T019]: path 'a|b.c' holds '|', which no ninja file can hold\n"
        "hint: rename the file\n"
        "llext.yml:9:5: error[T006]: define 'X' of 'six' has '1\\n2' as its value, expected one "
        "line\n"
        "hint: define it in a header\n"
        "llext.yml:15:16: error[T005]: object 'start.S' has the suffix of a source, '.S'\n"
        "hint: list it under 'sources'"
    )


def test_flags_of_the_toolchain_are_looked_at_as_well() -> None:
    """They come from the manifest, too."""
    text = refusal(
        extension(sources=[ref("a.c")], at=AT), compiler=replace(GCC, flags=("-save-temps",))
    )
    assert text == (
        "llext.yml:9:5: error[T006]: flag '-save-temps' of the toolchain would decide where files "
        "go, which is fixed\nhint: remove '-save-temps' from 'cflags'"
    )


def test_clang_without_a_linker_can_do_one_source_but_not_two() -> None:
    """Nothing has to be merged for one."""
    clang = replace(GCC, kind=Kind.CLANG, path=Path("/opt/clang"), linker=None)
    assert planned(extension(sources=[ref("a.c")]), compiler=clang).steps
    two = extension(sources=[ref("a.c"), ref("b.c")], at=AT)
    with pytest.raises(MissingError) as caught:
        planned(two, compiler=clang)
    assert str(caught.value) == (
        "llext.yml:9:5: error[T015]: extension 'one' has more than one object to merge, and there "
        "is no 'ld.lld' for 'clang': looked beside it and on PATH\n"
        "hint: install the package 'lld' of the same release"
    )


@pytest.mark.parametrize(("name", "odd"), [("a|b", "|"), ("a\nb", "\n")])
def test_a_folder_for_objects_that_ninja_cant_name_is_refused(name: str, odd: str) -> None:
    """Where something is compiled; a prebuilt object needs no ninja."""
    request = Request(
        root=ROOT,
        folder=ROOT / name / "obj",
        extensions=(extension(sources=[ref("a.c")]),),
        compiler=GCC,
        host=Host.POSIX,
        python="python3",
    )
    with pytest.raises(LlextError) as caught:
        plan(request)
    folder = f"{name}/obj"
    assert str(caught.value) == (
        f"{folder}: error[T019]: path {folder!r} holds {odd!r}, which no ninja file can hold\n"
        "hint: give another folder with '--output'"
    )
    prebuilt = extension(objects=[ref("a.o")])
    assert plan(replace(request, extensions=(prebuilt,))).steps == ()


def test_clang_links_the_library_of_helpers_that_it_names() -> None:
    """compiler-rt's builtins are an archive."""
    clang = replace(GCC, kind=Kind.CLANG, linker=("/opt/ld.lld", "-r"))
    request = Request(
        root=ROOT,
        folder=ROOT / "obj",
        extensions=(extension(sources=[ref("a.c")], runtime=CompilerRuntime.TOOLCHAIN),),
        compiler=clang,
        host=Host.POSIX,
        python="python3",
        runtime=ROOT.parent / "lib/libclang_rt.builtins.a",
    )
    assert words(plan(request))[-1].endswith(" obj/one/a.c.o ../lib/libclang_rt.builtins.a")
