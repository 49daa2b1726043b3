# SPDX-License-Identifier: Apache-2.0
"""What is said where C and C++ call the same function by different names."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest
from support.cross import gcc, output, tool
from support.linking import Case, extension, offer

from west_llext.diagnostics import Diagnostic, Span
from west_llext.model.base import Reason, Why
from west_llext.model.cname import c_name
from west_llext.model.manifest import Name

AT = Span(PurePath("llext.yml"), 12, 9)
MIXED = """\
int beep(int);
int loud(unsigned);
namespace sound { int quiet(int); }
template <class T> int twice(T x) { return x + x; }
template int twice<int>(int);
extern "C" int plain(void) { return 0; }
int shown(int x) { return x; }
int other(long x) { return x; }
static int hidden(int x) { return x * x; }
int more(int x) { return beep(x) + loud(x) + sound::quiet(x) + hidden(x) + hidden(x + 1); }
int printk(const char *, ...);
int say(int x) { return printk("x", x); }
"""


@pytest.mark.cross
def test_functions_outside_of_namespaces_have_a_name_in_c(tmp_path: Path) -> None:
    """Against c++filt: what it shows is that name and parameters, without a scope or a template."""
    unit = gcc(tmp_path, MIXED, "-mcpu=cortex-m3", "-mthumb", "-O0", name="unit.cpp")
    symbols = [line.split()[-1] for line in output(tool("nm"), str(unit)).splitlines()]
    shown = output(tool("c++filt"), *symbols).splitlines()
    found = {name: c_name(name) for name in symbols}
    assert {"beep", "loud", "shown", "say", "printk"} <= set(found.values())
    for name, text in zip(symbols, shown, strict=True):
        head = text.partition("(")[0]
        scoped = "::" in head or "<" in head or " " in head or text == name
        # what is static has an L in front of its length, and nobody else can mean it
        assert found[name] == (None if scoped or name.startswith("_ZL") else head)


@pytest.mark.parametrize(
    "name", ["beep", "_Z", "_Z4", "_Z4bee", "_Z4beep", "_Z0v", "_Z99999xv", "_ZN1a1bEv", "_Z²b"]
)
def test_what_is_no_such_function_has_none(name: str) -> None:
    """A variable of that name has no parameters, and the same name in C."""
    assert c_name(name) is None


def _findings(
    folder: Path, source: str, *, name: str, exports: tuple[str, ...] = (), why: Why | None = None
) -> list[Diagnostic]:
    content = gcc(folder, source, "-mcpu=cortex-m3", "-mthumb", "-O1", name=name).read_bytes()
    case = Case(
        extension=extension(name="filters", exports=[Name(each, AT) for each in exports]),
        base=offer([], why=lambda _: why or Why(reason=Reason.ABSENT)),
    )
    return list(case.link(content, "build/filters.o").findings)


@pytest.mark.cross
def test_a_function_of_the_base_image_is_declared_for_c(tmp_path: Path) -> None:
    """S001: its header lacks the declaration for C++."""
    source = 'int printk(const char *, ...);\nint say(int x) { return printk("x", x); }\n'
    (found,) = _findings(
        tmp_path, source, name="a.cpp", why=Why(reason=Reason.ABSENT, nearest=("printk",))
    )
    assert found.message == (
        "extension 'filters' needs '_Z6printkPKcz' (at .text+0x6): nothing defines it"
    )
    assert found.hint == "the base image has 'printk': declare it 'extern \"C\"' in C++"


NEEDS = "int beep(int);\nint more(int x) { return beep(x) + 1; }\n"
HAS = "int beep(long x) { return x; }\n"


@pytest.mark.cross
@pytest.mark.parametrize(
    ("source", "needed", "there", "advice"),
    [
        (
            f'extern "C" {NEEDS}{HAS}',
            *("beep", "_Z4beepl", "declare it 'extern \"C\"' in C++"),
        ),
        (
            f'{NEEDS}extern "C" {{ {HAS} }}\n',
            *("_Z4beepi", "beep", "declare it 'extern \"C\"' in C++"),
        ),
        (f"{NEEDS}{HAS}", "_Z4beepi", "_Z4beepl", "declare it with the same parameters"),
    ],
    ids=["C needs it", "C has it", "C++"],
)
def test_what_the_extension_has_by_another_name_is_named(
    source: str, needed: str, there: str, advice: str, tmp_path: Path
) -> None:
    """S001: one of its sources is C, or another declaration is meant."""
    (found,) = _findings(tmp_path, source, name="a.cpp")
    assert f" needs '{needed}' " in found.message
    assert found.message.endswith("): nothing defines it by this name")
    assert found.hint == f"the extension defines '{there}': {advice}"


@pytest.mark.cross
def test_an_export_of_cpp_needs_its_symbol(tmp_path: Path) -> None:
    """S010; of what is overloaded the first one by name is offered."""
    source = "int run(long x) { return x; }\nint run(int x) { return x; }\n"
    (found,) = _findings(tmp_path, source, name="a.cpp", exports=("run",))
    assert found.code == "S010"
    assert found.message == "extension 'filters' exports 'run', but doesn't define it by this name"
    assert found.hint == "declare it 'extern \"C\"' in the source, or export '_Z3runi'"
    assert _findings(tmp_path, source, name="a.cpp", exports=("_Z3runi",)) == []
