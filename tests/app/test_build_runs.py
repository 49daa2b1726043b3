# SPDX-License-Identifier: Apache-2.0
"""What C and C++ ask of a linker, through whole builds and executed: both compilers, all at once.

What is printed is written down here, as the languages say it; nothing is taken from a build.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support.sample import COMPILERS, Sample

from west_llext.app.calls import FunctionCall
from west_llext.app.run import End, RunRequest, run

pytest.importorskip("unicorn")

Samples = Callable[[str], Sample]

SOURCES: Mapping[str, str] = {
    "c/main.c": r"""
#include <base.h>

int tally;                                  /* COMMON, with -fcommon; also in other.c */
extern int other_total(void);
extern void nobody(void) __attribute__((weak));
extern int nothing __attribute__((weak));
extern void not_even_asked_for(void) __attribute__((weak));

static int order[4];
static int count;
static const char *const names[] = {"zero", "one", "two"};
static const char *volatile chosen = "initial";
static int *const place = &tally;
static unsigned char zeroes[40];

__attribute__((constructor)) static void last(void) { order[count++] = 3; }
__attribute__((constructor(200))) static void second(void) { order[count++] = 2; }
__attribute__((constructor(150))) static void first(void) { order[count++] = 1; }

static int one(int x) { return x + 1; }
static int two(int x) { return x * 2; }
static int (*const functions[])(int) = {one, two};

int c_demo(void)
{
	int sum = 0;

	printk("constructors: %d %d %d\n", order[0], order[1], order[2]);
	printk("weak: %d %d\n", nobody == 0, &nothing == 0);
	not_even_asked_for(); /* a call of nothing does nothing (AAELF32, weak references) */
	if (nobody != 0) {
		nobody();
	}
	*place = 40;
	printk("common: %d %d\n", tally, other_total());
	printk("data: %s %s\n", chosen, names[2]);
	chosen = names[1];
	for (unsigned int each = 0; each < sizeof(zeroes); each++) {
		sum += zeroes[each];
	}
	printk("then: %s %d %d %d\n", chosen, sum, functions[0](9), functions[1](9));
	return tally;
}
""",
    "c/other.c": """
int tally;
int other_total(void) { return tally + 2; }
""",
    "cpp/shape.h": r"""
#pragma once
extern "C" {
#include <base.h>
}
struct Shape {
	constexpr Shape(const char *name) : name(name) {}
	virtual int area() const = 0;
	const char *name;
};
/* One function and one variable in the program, whoever instantiates them: COMDAT. */
template <typename T> T twice(T x) { static int calls; calls++; return x + x + T(calls); }
inline int instances = 0;
inline int *address_of_instances() { return &instances; }
template <int N> struct Square : Shape {
	Square() : Shape("square") { instances++; }
	int area() const override { return N * N; }
};
int *other_address();
int other_twice(int x);
""",
    "cpp/main.cpp": r"""
#include "shape.h"

extern "C" void __cxa_pure_virtual(void) { for (;;) {} }

static Square<3> three;
static Square<4> four;
static int computed = static_cast<int>(strlen("seven!!")); /* at start */

static const Shape *const shapes[] = {&three, &four};

extern "C" int cpp_demo(void)
{
	for (auto *shape : shapes) {
		printk("%s of %d\n", shape->name, shape->area());
	}
	printk("instances: %d, computed: %d\n", instances, computed);
	printk("shared: %d\n", address_of_instances() == other_address());
	printk("twice: %d %d %d\n", twice(10), other_twice(10), twice(10));
	return 0;
}
""",
    "cpp/other.cpp": """
#include "shape.h"

static Square<5> five;
int *other_address() { return address_of_instances(); }
int other_twice(int x) { return twice(x); }
""",
}
EXTENSIONS = """\
  - name: in_c
    mode: prelocated
    sources: [c/main.c, c/other.c]
    cflags: [-Os, -fcommon]
    exports: [c_demo]
    place: {text: ext_rom, rodata: ext_rom, data: ext_ram, bss: ext_ram}
  - name: in_cpp
    mode: prelocated
    sources: [cpp/main.cpp, cpp/other.cpp]
    cflags: [-Os, -std=c++17, -fno-exceptions, -fno-rtti, -fno-threadsafe-statics]
    exports: [cpp_demo]
    place: {text: ext_rom, rodata: ext_rom, data: ext_ram, bss: ext_ram}
"""
C_PRINTS = """\
constructors: 1 2 3
weak: 1 1
common: 40 42
data: initial two
then: one 0 10 18
"""
CPP_PRINTS = """\
square of 9
square of 16
instances: 3, computed: 7
shared: 1
twice: 21 22 23
"""


@pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_c_and_cpp_do_what_their_standards_say(
    compiler: str, *, debug: bool, sample_of: Samples
) -> None:
    """Constructors by priority, weak references, COMMON, COMDAT, virtual functions, tables."""
    sample = sample_of(compiler)
    for name, text in SOURCES.items():
        path = sample.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    head, _, _ = sample.manifest.read_text(encoding="utf-8").partition("extensions:\n")
    text = head + "extensions:\n" + EXTENSIONS
    if debug:
        text = text.replace("[-Os", "[-O0, -g")
    sample.manifest.write_text(text, encoding="utf-8")
    assert [str(each) for each in sample.warnings()] == []
    blobs = tuple(sample.output / f"{name}.llext" for name in ("in_c", "in_cpp"))
    calls = (FunctionCall("in_c", "c_demo"), FunctionCall("in_cpp", "cpp_demo"))
    result = run(RunRequest(base=sample.base, blobs=blobs, calls=calls))
    assert [str(each) for each in result.findings] == []
    printed = {str(each.call): each.result.output for each in result.called}
    assert printed["in_c:c_demo"] == C_PRINTS
    assert printed["in_cpp:cpp_demo"] == CPP_PRINTS
    assert [each.result.value for each in result.called[-2:]] == [40, 0]


STATIC_OBJECTS = r"""
extern "C" {
#include <base.h>
}
struct Speaker {
	Speaker(const char *name) : name(name) { printk("up %s\n", name); }
	~Speaker() { printk("down %s\n", name); }
	const char *name;
};
static Speaker first("first");
Speaker second("second");
static Speaker pair[2] = {"left", "right"};
extern "C" int ready(void) { return 7; }
"""


@pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])
@pytest.mark.parametrize("mode", ["bound", "prelocated"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_static_objects_are_destroyed_in_reverse_when_an_extension_is_torn_down(
    compiler: str, mode: str, *, debug: bool, sample_of: Samples
) -> None:
    """C++17 [basic.start.term]; whichever compiler it was, nothing is imported for it.

    With zig the objects of functions, too: gcc has those call `atexit`.
    """
    sample = sample_of(compiler)
    local = compiler == "zig"
    source = STATIC_OBJECTS
    if local:
        source = source.replace("return 7;", 'static Speaker late("late"); return 7;')
    for name, text in {"a.cpp": source, "b.cpp": "struct S { ~S(); }; S::~S() {} S it;\n"}.items():
        (sample.root / name).write_text(text, encoding="utf-8")
    head, _, _ = sample.manifest.read_text(encoding="utf-8").partition("extensions:\n")
    extension = (
        f"  - name: objects\n    mode: {mode}\n    sources: [a.cpp, b.cpp]\n"
        f"    cflags: [{'-O0, -g' if debug else '-Os'}]\n    exports: [ready]\n"
    )
    if mode == "prelocated":
        extension += "    place: {text: ext_rom, rodata: ext_rom, data: ext_ram, bss: ext_ram}\n"
    sample.manifest.write_text(f"{head}extensions:\n{extension}", encoding="utf-8")
    assert [str(each) for each in sample.warnings()] == []
    blob = sample.output / "objects.llext"
    call = FunctionCall("objects", "ready")
    result = run(RunRequest(base=sample.base, blobs=(blob,), calls=(call,), end=End.TORN_DOWN))
    assert [str(each) for each in result.findings] == []
    made, gone = ("up late\n", "down late\n") if local else ("", "")
    printed = "".join(each.result.output for each in result.called)
    expected = "up first\nup second\nup left\nup right\n" + made + gone
    assert printed == expected + "down right\ndown left\ndown second\ndown first\n"


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_sample_prints_what_it_says_from_any_folder(
    compiler: str, built_sample: Samples, tmp_path: Path
) -> None:
    """Blobs are all that the emulator gets; the base image is the other compiler's, too."""
    sample = built_sample(compiler)
    blobs = tuple(sample.output / f"{name}.llext" for name in ("mathlib", "filters"))
    moved = []
    for blob in blobs:
        moved.append(tmp_path / blob.name)
        moved[-1].write_bytes(blob.read_bytes())
    calls = (FunctionCall("mathlib", "math_demo"), FunctionCall("filters", "filters_demo"))
    result = run(RunRequest(base=sample.base, blobs=tuple(moved), calls=calls))
    expected = [
        (sample.root / "expected" / name).read_text(encoding="utf-8")
        for name in ("mathlib.txt", "filters.txt")
    ]
    assert expected == [each.result.output for each in result.called[-2:]]


@pytest.mark.cross
@pytest.mark.zig
@pytest.mark.parametrize("extensions", ["gcc", "zig"])
def test_base_image_and_extensions_can_come_from_different_compilers(
    extensions: str, built_sample: Samples, sample_of: Samples
) -> None:
    """Where the manifest says what they have to agree on, and the base image has the helpers."""
    sample = sample_of(extensions)
    other = built_sample("zig" if extensions == "gcc" else "gcc")
    sample.base.write_bytes(other.base.read_bytes())
    assert [str(each) for each in sample.warnings()] == []
    calls = (FunctionCall("mathlib", "math_demo"), FunctionCall("filters", "filters_demo"))
    blobs = tuple(sample.output / f"{call.extension}.llext" for call in calls)
    result = run(RunRequest(base=sample.base, blobs=blobs, calls=calls))
    expected = [
        (sample.root / "expected" / name).read_text(encoding="utf-8")
        for name in ("mathlib.txt", "filters.txt")
    ]
    assert expected == [each.result.output for each in result.called[-2:]]
