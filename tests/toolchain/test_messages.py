# SPDX-License-Identifier: Apache-2.0
"""What compilers and linkers print becomes diagnostics (texts of gcc 12, clang 22, ld 2.40)."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from west_llext.diagnostics import Span
from west_llext.toolchain.messages import step_diagnostics
from west_llext.toolchain.plan import Action, Step

AT = Span(PurePath("llext.yml"), 20, 5)


def said(
    text: str, action: Action = Action.COMPILE, *, failed: bool = True, shown: str = ""
) -> str:
    """The diagnostics of a step that printed something."""
    compiling = action is Action.COMPILE
    step = Step(
        action=action,
        extension="filters",
        subject="src/fir.c" if compiling else "filters",
        at=AT,
        output="out.o",
        words=(),
    )
    found = step_diagnostics(step, text, shown=PurePath(shown), failed=failed)
    return "\n".join(str(each) for each in found)


GCC = """\
In file included from src/fir.c:1:
src/fir.h: In function 'f':
src/fir.h:2:28: error: invalid use of undefined type 'struct S'
    2 | int f(struct S*s){ return s->a; }
      |                            ^~
src/fir.c: At top level:
src/fir.c:3:17: error: conflicting types for 'g'; have 'int(char)'
    3 | int g(int); int g(char);
      |                 ^
src/fir.c:3:5: note: previous declaration of 'g' with type 'int(int)'
    3 | int g(int); int g(char);
      |     ^
src/fir.c:9:1: warning: control reaches end of non-void function [-Wreturn-type]
"""


def test_gccs_messages_keep_their_places_and_notes() -> None:
    """Every error of a source, not the first one."""
    assert said(GCC) == (
        "src/fir.h:2:28: error[T010]: invalid use of undefined type 'struct S'\n"
        "src/fir.c:1: note: included from here\n"
        "src/fir.c:3:17: error[T010]: conflicting types for 'g'; have 'int(char)'\n"
        "src/fir.c:3:5: note: previous declaration of 'g' with type 'int(int)'\n"
        "src/fir.c:9:1: warning[T011]: control reaches end of non-void function [-Wreturn-type]"
    )


INNER = "src/b.h:3:8: error: expected ';' before 'int'\n"


@pytest.mark.parametrize(
    "lead",
    [
        # gcc 12
        "In file included from src/a.h:1,\n                 from src/fir.c:2:\n",
        # gcc with the options that show columns there, too
        "In file included from src/a.h:1:9,\n                 from src/fir.c:2:10:\n",
        # clang 18
        "In file included from src/fir.c:2:\nIn file included from src/a.h:1:\n",
    ],
    ids=["gcc", "columns", "clang"],
)
def test_who_includes_a_header_is_a_note(lead: str) -> None:
    """From the inside to the outside; the header may be fine where another source includes it."""
    column = ":9" if ":9," in lead else ""
    outer = ":10" if column else ""
    later = "src/b.h:9:1: error: no\nsrc/fir.c:7:1: error: no\n"
    assert said(lead + INNER + later) == (
        "src/b.h:3:8: error[T010]: expected ';' before 'int'\n"
        f"src/a.h:1{column}: note: included from here\n"
        f"src/fir.c:2{outer}: note: included from here\n"
        "src/b.h:9:1: error[T010]: no\n"
        "src/fir.c:7:1: error[T010]: no"
    )


def test_what_asks_for_a_template_is_a_note() -> None:
    """gcc says it in front of the error, clang as notes behind it."""
    text = (
        "a.cpp: In instantiation of 'struct A<int>':\n"
        "a.cpp:3:8:   required from here\n"
        "a.cpp:2:45: error: 'int' is not a class, struct, or union type\n"
    )
    assert said(text) == (
        "a.cpp:2:45: error[T010]: 'int' is not a class, struct, or union type\n"
        "a.cpp:3:8: note: required from here"
    )


def test_places_are_spelled_from_where_the_user_is() -> None:
    """Commands run in the manifest's folder."""
    text = "src/fir.c:2:1: warning: unused variable 'u' [-Wunused-variable]\n"
    assert said(text, failed=False, shown="samples/quickstart") == (
        "samples/quickstart/src/fir.c:2:1: warning[T011]: unused variable 'u' [-Wunused-variable]"
    )


def test_fatal_errors_and_assemblers_messages_are_errors() -> None:
    """`fatal error:` of the preprocessor; GNU as writes `Error:` and no column."""
    assert said("src/fir.c:2:10: fatal error: too many errors emitted\n") == (
        "src/fir.c:2:10: error[T010]: too many errors emitted"
    )
    assert said("a.s: Assembler messages:\na.s:2: Error: bad instruction `foo r1'\n") == (
        "a.s:2: error[T010]: bad instruction `foo r1'"
    )


@pytest.mark.parametrize(
    "text", ["sound/beep.h: No such file or directory", "'sound/beep.h' file not found"]
)
def test_a_header_that_isnt_found_needs_its_folder(text: str) -> None:
    """gcc, then clang; an assembler's `.include` is no matter of the manifest."""
    assert said(f"src/fir.c:2:10: fatal error: {text}\n") == (
        f"src/fir.c:2:10: error[T010]: {text}\n"
        "hint: add the folder that has 'sound/beep.h' in it to 'include-dirs'"
    )
    other = "can't open beep.inc for reading: No such file or directory"
    assert said(f"src/a.S:2: Error: {other}\n") == f"src/a.S:2: error[T010]: {other}"


@pytest.mark.parametrize(
    "place", ["../temporary/ccJdcKz0.s", "C:\\Temp\\ccJdcKz0.s", "{standard input}"]
)
def test_what_an_assembler_says_of_c_is_at_the_source(place: str) -> None:
    """Inline assembler: the file that it names is gone when somebody reads that."""
    text = f"{place}: Assembler messages:\n{place}:52: Error: bad instruction `foo r1'\n"
    assert said(text) == (
        "src/fir.c: error[T010]: bad instruction `foo r1' (in the assembly that the compiler has "
        "made of it)"
    )


def test_paths_may_have_drives_and_colons() -> None:
    """`C:\\` at the start, and any colon on POSIX."""
    text = "C:/proj/a.c:3:4: error: no\nodd:name.c:5:6: error: no\n"
    assert said(text) == "C:/proj/a.c:3:4: error[T010]: no\nodd:name.c:5:6: error[T010]: no"


def test_a_failure_without_a_place_is_a_finding_all_the_same() -> None:
    """A crash, a flag that a compiler doesn't know, a signal."""
    hint = "hint: run again with '-v' to see the command"
    assert said('error: unknown clang option: "-mfoo"\n') == (
        "src/fir.c: error[T012]: compiling 'src/fir.c' failed: "
        f'error: unknown clang option: "-mfoo"\n{hint}'
    )
    assert said("") == (
        f"src/fir.c: error[T012]: compiling 'src/fir.c' failed: it printed nothing\n{hint}"
    )


def test_warnings_alone_dont_explain_a_failure() -> None:
    """-Werror turns them into errors; anything else is to be told."""
    assert said("src/fir.c:9:1: warning: odd\nKilled\n") == (
        "src/fir.c:9:1: warning[T011]: odd\n"
        "src/fir.c: error[T012]: compiling 'src/fir.c' failed: Killed\n"
        "hint: run again with '-v' to see the command"
    )


def test_gnu_ld_says_what_it_cant_merge() -> None:
    """Its own path in front says nothing, nor does the function it is about."""
    text = (
        "/usr/lib/gcc/arm-none-eabi/12.2.1/../../bin/ld: d2.o: in function `dup':\n"
        "d2.c:(.text+0x0): multiple definition of `dup'; "
        "d1.o:d1.c:(.text+0x0): first defined here\n"
        "/usr/lib/gcc/arm-none-eabi/12.2.1/../../bin/ld: cannot find nix.o: "
        "No such file or directory\n"
        "collect2: error: ld returned 1 exit status\n"
    )
    assert said(text, Action.MERGE) == (
        "llext.yml:20:5: error[T013]: merging 'filters' failed: d2.c:(.text+0x0): multiple "
        "definition of 'dup'; d1.o:d1.c:(.text+0x0): first defined here\n"
        "llext.yml:20:5: error[T013]: merging 'filters' failed: cannot find nix.o: "
        "No such file or directory"
    )


def test_lld_says_what_it_cant_merge() -> None:
    """Its continuation lines belong to the message before."""
    text = (
        "ld.lld: error: duplicate symbol: dup\n>>> defined at a.c\n>>>            a.o:(dup)\n"
        ">>> defined at b.c\n>>>            b.o:(.text.dup+0x0)\n"
        "ld.lld: error: cannot open nix.o: No such file or directory\n"
    )
    assert said(text, Action.MERGE) == (
        "llext.yml:20:5: error[T013]: merging 'filters' failed: duplicate symbol: dup; defined at "
        "a.c; a.o:(dup); defined at b.c; b.o:(.text.dup+0x0)\n"
        "llext.yml:20:5: error[T013]: merging 'filters' failed: cannot open nix.o: "
        "No such file or directory"
    )


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("/usr/bin/arm-none-eabi-ld: attempted static link of dynamic object `f.so'", "'f.so'"),
        ("ld.lld: error: attempted static link of dynamic object f.so", "f.so"),
    ],
    ids=["ld", "lld"],
)
def test_a_shared_object_among_others_says_what_to_do(printed: str, name: str) -> None:
    """The words of both linkers, as they were printed."""
    assert said(printed, Action.MERGE) == (
        "llext.yml:20:5: error[T013]: merging 'filters' failed: attempted static link of dynamic "
        f"object {name}\n"
        "hint: a shared object has to be all that an extension is made of: link the others into it"
    )


def test_a_flood_of_messages_is_cut() -> None:
    """Nobody reads more, and a build of many sources would never end."""
    text = "".join(f"a.c:{line}:1: error: no\n" for line in range(1, 1001))
    assert len(said(text).splitlines()) == 200


def test_a_step_that_prints_nothing_and_works_says_nothing() -> None:
    """Nearly every step."""
    assert said("", failed=False) == ""
