# SPDX-License-Identifier: Apache-2.0
"""Sources of every language become one relocatable object, with real compilers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.archives import archive
from support.compiling import COMPILERS, Project, available, defined, extension, undefined

from west_llext.elf.attributes import abi
from west_llext.model.elf import SHF_GROUP, STB_GLOBAL, ObjectFile, SectionType
from west_llext.model.manifest import CompilerRuntime, Toolchain
from west_llext.toolchain.compiler import compiler

DIVISION = (
    "unsigned long long quotient(unsigned long long a, unsigned long long b) { return a / b; }\n"
)

TEMPLATE = """
extern "C" int printk(const char *, ...);
template <typename T> struct Counter {{
    static T count;
    virtual T next(T by) {{ count += by; return count; }}
}};
template <typename T> T Counter<T>::count = 3;
struct Talker {{ Talker(int n) {{ printk("up %d", n); }} ~Talker() {{ printk("down"); }} }};
static Talker first(1);
__attribute__((init_priority({priority}))) Talker {name}_talker(2);
extern "C" int {name}(int x) {{ Counter<int> c; Counter<int> *p = &c; return p->next(x); }}
"""


@pytest.mark.parametrize("cc", COMPILERS)
def test_one_source_is_compiled_and_not_merged(cc: str, tmp_path: Path) -> None:
    """Where there is one object, the link reads that one."""
    project = Project(tmp_path, available(cc))
    one = extension(sources=[project.write("src/one.c", "int answer(void) { return 42; }\n")])
    obj = project.object(one)
    assert {"answer"} == defined(obj)
    assert project.folder / "one/src/one.c.o" == project.plan(one).objects["one"]


@pytest.mark.parametrize("cc", COMPILERS)
def test_every_language_is_compiled_and_merged_into_one_object(cc: str, tmp_path: Path) -> None:
    """C, C++, assembler with and without preprocessor; suffixes as gcc's manual lists them."""
    project = Project(tmp_path, available(cc))
    asm = ".syntax unified\n.text\n.thumb\n.global {0}\n.type {0}, %function\n{0}:\n bx lr\n"
    sources = [
        project.write("a.c", "int in_c(void) { return 1; }\n"),
        project.write("a.cpp", 'extern "C" int in_cpp() { return 2; }\n'),
        project.write("a.S", '#include "name.h"\n' + asm.format("NAME")),
        project.write("b.s", asm.format("in_s")),
    ]
    project.write("include/name.h", "#define NAME in_preprocessed\n")
    obj = project.object(extension(sources=sources, include_dirs=[project.ref("include")]))
    assert {"in_c", "in_cpp", "in_preprocessed", "in_s"} == defined(obj)
    assert set() == undefined(obj)


@pytest.mark.parametrize("cc", COMPILERS)
def test_comdat_groups_priorities_and_exports_survive_the_merge(cc: str, tmp_path: Path) -> None:
    """Sections of one template are kept once; constructors keep their order and arrays."""
    project = Project(tmp_path, available(cc))
    export = (
        "struct symbol { const char *name; const void *at; };\nint shown(void) { return 1; }\n"
        "static const struct symbol shown_symbol\n"
        '__attribute__((section(".exported_sym"), used)) = {"shown", (const void *)&shown};\n'
    )
    obj = project.object(
        extension(
            sources=[
                project.write("a.cpp", TEMPLATE.format(name="a", priority=200)),
                project.write("b.cpp", TEMPLATE.format(name="b", priority=300)),
                project.write("c.c", export),
            ]
        )
    )
    counts = [each for each in obj.symbols if each.name == "_ZN7CounterIiE5countE"]
    assert len(counts) == 1
    assert obj.sections[counts[0].section].flags & SHF_GROUP
    signatures = [signature for signature, _, _ in obj.groups]
    assert sorted(set(signatures)) == sorted(signatures)
    arrays = {
        each.name.removeprefix(".init_array").lstrip(".0"): each.size
        for each in obj.sections
        if each.type == SectionType.INIT_ARRAY
    }
    assert arrays == {"200": 4, "300": 4, "": 8}
    assert [each.size for each in obj.sections if each.name == ".exported_sym"] == [8]


@pytest.mark.parametrize("cc", COMPILERS)
def test_big_endian_objects_are_merged(cc: str, tmp_path: Path) -> None:
    """Arm has a format of its own for them (`armelfb`, as linkers call it)."""
    project = Project(tmp_path, available(cc), "-mcpu=cortex-m3", "-mthumb", "-mbig-endian")
    names = ("a", "b")
    sources = [project.write(f"{name}.c", f"int {name} = 0x01020304;\n") for name in names]
    obj = project.object(extension(sources=sources))
    assert not obj.ident.little
    data = [obj.content(n) for n, each in enumerate(obj.sections) if each.name.startswith(".data")]
    assert [each for each in data if each] == [b"\1\2\3\4", b"\1\2\3\4"]


@pytest.mark.parametrize("cc", COMPILERS)
def test_destructors_run_from_the_array_that_the_loader_calls(cc: str, tmp_path: Path) -> None:
    """Else each static object would import `atexit`, and stay registered when it is gone."""
    project = Project(tmp_path, available(cc))
    obj = project.object(
        extension(sources=[project.write("a.cpp", TEMPLATE.format(name="a", priority=200))])
    )
    assert {"printk"} == undefined(obj)
    assert any(each.type == SectionType.FINI_ARRAY for each in obj.sections)


@pytest.mark.parametrize("cc", COMPILERS)
def test_more_objects_than_there_is_room_for_do_no_harm(cc: str, tmp_path: Path) -> None:
    """Whatever macros there are: names in a header of ours are none of them."""
    project = Project(tmp_path, available(cc))
    words = ("N", "all", "run", "list", "count", "entry", "function", "functions", "only", "at")
    text = "struct S { ~S(); }; S::~S() {}\n" + "".join(f"S s{each};\n" for each in range(40))
    flags = [f"-D{word}=1" for word in words]
    obj = project.object(extension(sources=[project.write("a.cpp", text)], cflags=flags))
    assert set() == undefined(obj)


@pytest.mark.parametrize("cc", COMPILERS)
def test_what_has_no_destructors_pays_nothing_for_them(cc: str, tmp_path: Path) -> None:
    """Neither code nor data, optimised or not; nor a warning."""
    project = Project(tmp_path, available(cc))
    strict = () if cc != "zig" else ("-Weverything", "-Wno-missing-prototypes", "-Werror")
    for level in ("-O0", "-Os"):
        source = project.write("a.cpp", 'extern "C" int one() { return 1; }\n')
        obj = project.object(extension(sources=[source], cflags=[level, *strict]))
        assert {"one"} == defined(obj)
        assert not any(each.type == SectionType.FINI_ARRAY for each in obj.sections)


@pytest.mark.parametrize("cc", COMPILERS)
@pytest.mark.parametrize("level", ["-O0", "-Os"])
def test_an_atexit_of_the_extension_itself_is_the_one_that_is_called(
    level: str, cc: str, tmp_path: Path
) -> None:
    """In the same source or in another; a declaration like that of stdlib.h is none."""
    project = Project(tmp_path, available(cc))
    own = 'extern "C" int atexit(void (*function)()) noexcept { return function == nullptr; }\n'
    told = 'extern "C" int atexit(void (*)()) noexcept;\nint tell() { return atexit(nullptr); }\n'
    local = "struct S { ~S(); }; S::~S() {}\nS &made() { static S it; return it; }\n"
    for sources in ([own + local], [own, local], [own, told + local]):
        refs = [
            project.write(f"{name}.cpp", text) for name, text in zip("ab", sources, strict=False)
        ]
        obj = project.object(extension(sources=refs, cflags=[level]))
        assert set() == undefined(obj)
        (found,) = [each for each in obj.symbols if each.name == "atexit"]
        assert found.info >> 4 == STB_GLOBAL
    if cc == "zig":
        refs = [project.write("b.cpp", told)]
        assert set() == undefined(project.object(extension(sources=refs, cflags=[level])))


@pytest.mark.parametrize("cc", COMPILERS)
def test_code_calls_what_its_source_calls_and_nothing_else(cc: str, tmp_path: Path) -> None:
    """printf stays printf, a constant memcpy and fabsf are instructions; nothing is added."""
    project = Project(tmp_path, available(cc))
    text = (
        "int printf(const char *, ...);\nvoid *memcpy(void *, const void *, __SIZE_TYPE__);\n"
        "float fabsf(float);\nint bits(float a, int *p, int i) {\n"
        'int n; printf("x\\n"); a = fabsf(a); memcpy(&n, &a, 4); return n + p[i]; }\n'
    )
    for level in ("-O0", "-Os", "-O3"):
        obj = project.object(extension(sources=[project.write("a.c", text)], cflags=[level]))
        assert {"printf"} == undefined(obj) - ({"memcpy"} if level == "-O0" else set())


@pytest.mark.parametrize("cc", COMPILERS)
def test_helpers_come_from_the_toolchain_where_it_is_asked_for(cc: str, tmp_path: Path) -> None:
    """A 64-bit division needs `__aeabi_uldivmod` (RTABI 4.2), and nothing that it doesn't need."""
    project = Project(tmp_path, available(cc))
    source = project.write("divide.c", DIVISION)
    plain = project.object(extension(sources=[source]))
    assert {"__aeabi_uldivmod"} == undefined(plain)
    full = project.object(extension(sources=[source], runtime=CompilerRuntime.TOOLCHAIN))
    assert set() == undefined(full)
    assert {"quotient", "__aeabi_uldivmod"} <= defined(full)
    assert _code_size(full) - _code_size(plain) < 1024


@pytest.mark.parametrize("cc", COMPILERS)
def test_no_helper_is_added_where_none_is_needed(cc: str, tmp_path: Path) -> None:
    """`compiler-runtime: toolchain` costs nothing by itself."""
    project = Project(tmp_path, available(cc))
    source = project.write("add.c", "int add(int a, int b) { return a + b; }\n")
    obj = project.object(extension(sources=[source], runtime=CompilerRuntime.TOOLCHAIN))
    assert {"add"} == defined(obj)


@pytest.mark.parametrize("cc", COMPILERS)
def test_the_base_exports_the_c_library_wherever_helpers_come_from(cc: str, tmp_path: Path) -> None:
    """Zig's library of helpers has a strlen, too: names without underscores aren't helpers."""
    project = Project(tmp_path, available(cc))
    text = "__SIZE_TYPE__ strlen(const char *);\n" + DIVISION
    text += "int length(char *a) { return strlen(a); }\n"
    obj = project.object(
        extension(sources=[project.write("a.c", text)], runtime=CompilerRuntime.TOOLCHAIN)
    )
    assert {"strlen"} == undefined(obj)


@pytest.mark.parametrize("cc", COMPILERS)
def test_hard_float_code_uses_the_unit_that_the_flags_name(cc: str, tmp_path: Path) -> None:
    """Registers and instructions go together: Tag_FP_arch, Tag_ABI_VFP_args (ABI addenda, 2.5)."""
    flags = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
    project = Project(tmp_path, available(cc), *flags)
    text = "float times(float a, float b) { return a * b; }\n"
    obj = project.object(extension(sources=[project.write("a.c", text)]))
    assert set() == undefined(obj)
    tags = abi(obj).attributes
    assert (tags.get(10), tags.get(27), tags.get(28)) == (6, 1, 1)


@pytest.mark.parametrize("cc", COMPILERS)
def test_softfp_uses_the_unit_and_passes_floats_in_core_registers(cc: str, tmp_path: Path) -> None:
    """`-mfloat-abi=softfp`: an FPU by Tag_FP_arch, no Tag_ABI_VFP_args."""
    flags = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=softfp")
    project = Project(tmp_path, available(cc), *flags)
    text = "float times(float a, float b) { return a * b; }\n"
    obj = project.object(extension(sources=[project.write("a.c", text)]))
    assert set() == undefined(obj)
    tags = abi(obj).attributes
    assert (tags.get(10), tags.get(28)) == (6, None)


@pytest.mark.parametrize("cc", COMPILERS)
def test_archive_members_are_merged_by_need(cc: str, tmp_path: Path) -> None:
    """A member is there because an export or another member needs it."""
    project = Project(tmp_path, available(cc))
    objects = []
    for name, text in {
        "used": "int deep(void); int used(void) { return deep(); }\n",
        "deep": "int deep(void) { return 1; }\n",
        "idle": "int idle(void) { return 2; }\n",
    }.items():
        one = extension(name, sources=[project.write(f"{name}.c", text)])
        project.run(one)
        objects.append(project.plan(one).objects[name])
    _archive(project.root / "lib.a", objects)
    obj = project.object(extension(objects=[project.ref("lib.a")], exports=["used"]))
    assert {"used", "deep"} == defined(obj)


@pytest.mark.cross
def test_lto_objects_are_finished_when_they_are_merged(tmp_path: Path) -> None:
    """With `-flto` even a single object holds no machine code before gcc has linked it."""
    project = Project(tmp_path, available("arm-none-eabi-gcc"))
    source = project.write("a.c", "int answer(void) { return 42; }\n")
    obj = project.object(extension(sources=[source], cflags=["-flto", "-g0"]))
    assert {"answer"} == defined(obj)
    assert _code_size(obj) > 0


@pytest.mark.parametrize("cc", COMPILERS)
def test_names_and_defines_are_data_for_the_shell_and_ninja(cc: str, tmp_path: Path) -> None:
    """Ninja hands commands to a shell on POSIX; none of these words may mean anything to it."""
    project = Project(tmp_path, available(cc))
    value = '"a b;$(touch pwned) `id` $HOME \\\\ \' & | > < * ? ~ # % ! {x} é"'
    names = ["a b$c'.c", "semi;colon.c", "-dash.c", "@at.c", "(sub)/$(x).c", "ünï.c", "..odd.c"]
    sources = [
        project.write(name, f"const char text{index}[] = VALUE;\n")
        for index, name in enumerate(names)
    ]
    project.write("inc lude$/x.h", "")
    obj = project.object(
        extension(
            sources=sources,
            defines=[("VALUE", value), ("BARE", None)],
            include_dirs=[project.ref("inc lude$")],
        )
    )
    assert not list(project.root.rglob("pwned*"))
    shown = "a b;$(touch pwned) `id` $HOME \\ ' & | > < * ? ~ # % ! {x} é"
    assert len(names) == obj.data.count(f"{shown}\0".encode())


@pytest.mark.parametrize("cc", COMPILERS)
def test_a_long_list_of_objects_goes_through_a_response_file(cc: str, tmp_path: Path) -> None:
    """One argument of a command has 128 KiB on Linux; long names get there with 750 objects."""
    project = Project(tmp_path / ("d " * 90 + "d"), available(cc))
    sources = [
        project.write(f"s{index}.c", f"int f{index}(void) {{ return {index}; }}\n")
        for index in range(3)
    ]
    objects = []
    for index, source in enumerate(sources):
        one = extension(f"e{index}", sources=[source])
        project.run(one)
        path = project.plan(one).objects[one.name]
        for copy in range(250):
            target = project.root / f"{'long ' * 25}{index} {copy}.o"
            if copy:
                _archive(target.with_suffix(".a"), [path])
                objects.append(project.ref(target.with_suffix(".a").name))
            else:
                target.write_bytes(path.read_bytes())
                objects.append(project.ref(target.name))
    merged = extension(objects=objects)
    text = dict(project.plan(merged).files)[project.folder / "build.ninja"].decode()
    assert ": run_long " in text
    assert {"f0", "f1", "f2"} == defined(project.object(merged))


@pytest.mark.zig
@pytest.mark.skipif(os.name == "nt", reason="the programs are scripts")
def test_clang_compiles_and_merges(tmp_path: Path) -> None:
    """Zig has clang's own command line inside: a script lends it the name."""
    available("zig")
    zig = compiler(Toolchain(cc="zig"), root=tmp_path, environment={"PATH": ""}).path
    for name, command in (("clang", "clang"), ("ld.lld", "ld.lld")):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec "{zig}" {command} "$@"\n')
        program.chmod(0o755)
    flags = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard", "--param=a=1")
    project = Project(tmp_path / "project", "../bin/clang", *flags)
    obj = project.object(
        extension(
            sources=[
                project.write("a.c", "float times(float a, float b) { return a * b; }\n"),
                project.write("b.cpp", TEMPLATE.format(name="b", priority=200)),
                project.write("c.S", ".text\n.global in_c\nin_c:\n bx lr\n"),
            ]
        )
    )
    assert {"times", "b", "in_c"} <= defined(obj)
    tags = abi(obj).attributes
    assert (tags.get(10), tags.get(28)) == (6, 1)


def _code_size(obj: ObjectFile) -> int:
    return sum(each.size for each in obj.sections if each.flags & 4)


def _archive(path: Path, objects: list[Path]) -> None:
    members = [(f"m{index}.o/", each.read_bytes()) for index, each in enumerate(objects)]
    path.write_bytes(archive(members))
