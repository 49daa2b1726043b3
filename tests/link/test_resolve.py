# SPDX-License-Identifier: Apache-2.0
"""What is said of symbols, whole texts, from small C objects with and without debug information."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

import pytest
from support.cross import output, tool
from support.elfbuild import SHF_ALLOC, SHF_EXECINSTR, SHN_ABS, SHN_COMMON, Rel, Sec, Sym, elf
from support.linking import Case, Outcome, data, extension, offer, thumb
from support.oracle import assembled, compiled

from west_llext.diagnostics import Severity, Span, has_errors
from west_llext.elf.dwarf import line_of
from west_llext.link import exports as link_exports
from west_llext.link.resolve import Offered, Peer
from west_llext.model.base import Origin, Reason, Why
from west_llext.model.link import Import
from west_llext.model.manifest import CompilerRuntime, Mode, Name
from west_llext.model.region import Region

pytestmark = pytest.mark.cross

AT = Span(PurePath("llext.yml"), 12, 9)

NEEDY = """\
extern int printk(const char *, ...);
extern int beep(int);

int run(int x)
{
    return beep(x) + 1;
}

int more(int x)
{
    return beep(x) + beep(x + 1) + printk("x");
}
"""

PRINTK = thumb("printk", 0x1000)


def peer(name: str, *exports: str, mode: Mode = Mode.PRELOCATED) -> Peer:
    """Another extension that exports functions."""
    offered = {each: Offered(Region.TEXT, 0, 1, True) for each in exports}  # noqa: FBT003 (a record)
    return Peer(name=name, mode=mode, memory="text", exports=offered)


def linked(
    content: bytes,
    *,
    mode: Mode = Mode.RELOCATABLE,
    why: Why | None = None,
    runtime: CompilerRuntime = CompilerRuntime.BASE,
    peers: Sequence[Peer] = (),
    imports_from: Sequence[str] = (),
    exports: Sequence[str] = (),
    base: Sequence[Sym] = (PRINTK,),
    lines: bool = False,
) -> Outcome:
    """An extension 'filters' of one object; `why` is what the base says of what it lacks."""
    case = Case(
        extension=extension(
            name="filters",
            mode=mode,
            compiler_runtime=runtime,
            imports_from=[Name(each, AT) for each in imports_from],
            exports=[Name(each, AT) for each in exports],
        ),
        base=offer(base, why=lambda _: why or Why(reason=Reason.ABSENT)),
        peers={each.name: each for each in peers},
        **({"line": line_of} if lines else {}),  # type: ignore[arg-type]  # a field of Case
    )
    return case.link(content, "build/filters.o")


def texts(made: Outcome) -> list[str]:
    """Every finding, whole."""
    return [str(each) for each in made.findings]


def test_a_symbol_that_nothing_defines_names_its_user_in_the_object(tmp_path: Path) -> None:
    """S001 without debug information: section and offset of the first use, and how many more."""
    assert texts(linked(compiled(tmp_path, NEEDY))) == [
        """\
build/filters.o: error[S001]: extension 'filters' needs 'beep' (at .text+0x2 and 2 more): nothing \
defines it"""
    ]


def test_a_symbol_that_nothing_defines_names_the_line_that_uses_it(tmp_path: Path) -> None:
    """S001 with debug information: file and line of the first use."""
    made = linked(compiled(tmp_path, NEEDY, "-g"), lines=True)
    assert texts(made) == [
        """\
unit.c:6:12: error[S001]: extension 'filters' needs 'beep' (build/filters.o, at .text+0x2 and 2 \
more): nothing defines it"""
    ]


def test_a_symbol_that_looks_like_another_offers_that_one(tmp_path: Path) -> None:
    """S001 with the nearest name."""
    why = Why(reason=Reason.ABSENT, nearest=("bleep", "beer"))
    assert texts(linked(compiled(tmp_path, NEEDY), why=why)) == [
        """\
build/filters.o: error[S001]: extension 'filters' needs 'beep' (at .text+0x2 and 2 more): nothing \
defines it
hint: did you mean 'bleep'?"""
    ]


@pytest.mark.parametrize(
    ("runtime", "reason", "hint"),
    [
        (
            *(CompilerRuntime.BASE, Reason.ABSENT),
            "set 'compiler-runtime: toolchain', or export it from the base image",
        ),
        (
            *(CompilerRuntime.TOOLCHAIN, Reason.ABSENT),
            "the compiler's own library lacks it: export it from the base image",
        ),
        (
            *(CompilerRuntime.BASE, Reason.NOT_EXPORTED),
            "set 'compiler-runtime: toolchain', or add '__aeabi_uldivmod' to 'base.exports'",
        ),
        (
            *(CompilerRuntime.TOOLCHAIN, Reason.NOT_EXPORTED),
            "add '__aeabi_uldivmod' to 'base.exports'",
        ),
    ],
    ids=lambda each: getattr(each, "value", ""),
)
def test_a_compiler_helper_offers_what_is_not_set_yet(
    runtime: CompilerRuntime, reason: Reason, hint: str, tmp_path: Path
) -> None:
    """S001 and S003 for a name that only a compiler makes; some libraries lack what a ROM has."""
    source = "unsigned long long f(unsigned long long a, unsigned long long b) { return a / b; }"
    why = Why(reason=reason, origin=Origin.HELPER, about="a compiler helper")
    made = linked(compiled(tmp_path, source), why=why, runtime=runtime)
    assert [each.hint for each in made.findings] == [hint]
    assert "needs '__aeabi_uldivmod', a compiler helper (at .text+0x2): " in texts(made)[0]


@pytest.mark.parametrize(
    ("origin", "hint"),
    [
        (
            Origin.DESTRUCTORS,
            "give no static object a destructor, or define it in the extension",
        ),
        (Origin.LANGUAGE, "define it in the extension, or export it from the base image"),
    ],
)
def test_what_cpp_calls_by_itself_has_its_own_way_out(
    origin: Origin, hint: str, tmp_path: Path
) -> None:
    """S001 for `atexit` and `__cxa_pure_virtual`, which no source names."""
    why = Why(reason=Reason.ABSENT, nearest=("sleep",), origin=origin, about="in passing")
    made = linked(compiled(tmp_path, NEEDY), why=why)
    assert [each.hint for each in made.findings] == [hint]
    assert "needs 'beep', in passing (at .text+" in texts(made)[0]


@pytest.mark.parametrize(
    ("mode", "more"),
    [
        (Mode.RELOCATABLE, ", and add 'beep' to 'base.exports'"),
        (Mode.BOUND, ""),
        (Mode.PRELOCATED, ""),
    ],
    ids=lambda each: str(getattr(each, "value", "")),
)
def test_a_static_symbol_of_the_base_has_to_be_made_global(
    mode: Mode, more: str, tmp_path: Path
) -> None:
    """S002; only a target that looks names up needs it exported as well."""
    made = linked(compiled(tmp_path, NEEDY), mode=mode, why=Why(reason=Reason.STATIC))
    assert texts(made) == [
        f"""\
build/filters.o: error[S002]: extension 'filters' needs 'beep' (at .text+0x2 and 2 more): the \
base image defines it as a local (static) symbol
hint: remove 'static' there{more}"""
    ]


def test_a_symbol_that_is_not_exported_says_what_to_add(tmp_path: Path) -> None:
    """S003."""
    why = Why(reason=Reason.NOT_EXPORTED)
    assert texts(linked(compiled(tmp_path, NEEDY), why=why)) == [
        """\
build/filters.o: error[S003]: extension 'filters' needs 'beep' (at .text+0x2 and 2 more): the \
base image defines it, but doesn't export it
hint: add 'beep' to 'base.exports'"""
    ]


def test_an_export_of_an_extension_that_is_not_named_says_which(tmp_path: Path) -> None:
    """S004; the first by name where there are more."""
    content = compiled(tmp_path, NEEDY)
    assert texts(linked(content, peers=[peer("sound", "beep"), peer("light", "blink")])) == [
        """\
build/filters.o: error[S004]: extension 'filters' needs 'beep' (at .text+0x2 and 2 more): 'sound' \
exports it, but 'imports-from' doesn't name it
hint: add 'imports-from: [sound]'"""
    ]
    assert texts(linked(content, peers=[peer("sound", "beep"), peer("noise", "beep")])) == [
        """\
build/filters.o: error[S004]: extension 'filters' needs 'beep' (at .text+0x2 and 2 more): 'noise' \
and 'sound' export it, but 'imports-from' doesn't name it
hint: add 'imports-from: [noise]'"""
    ]


def test_of_many_that_export_a_symbol_the_first_are_named(tmp_path: Path) -> None:
    """S004: thousands of extensions may have an `init`, and thousands may lack one."""
    content = compiled(tmp_path, NEEDY)
    five = [peer(name, "beep") for name in ("bell", "horn", "alarm", "gong", "chime")]
    (text,) = texts(linked(content, peers=five))
    assert ": 'alarm' and 'bell' and 'chime' and 'gong' and 'horn' export it, " in text
    many = [*five, *(peer(f"sound{each}", "beep") for each in range(4))]
    assert texts(linked(content, peers=many)) == [
        """\
build/filters.o: error[S004]: extension 'filters' needs 'beep' (at .text+0x2 and 2 more): 'alarm', \
'bell', 'chime', 'gong', 'horn' and others export it, but 'imports-from' doesn't name it
hint: add 'imports-from: [alarm]'"""
    ]


def test_a_place_in_a_section_with_a_very_long_name_is_cut() -> None:
    """S001 and R002, with 200 characters of the name; thousands of messages may have it."""
    rows = [Rel(offset=0, type=2, symbol="beep"), Rel(offset=4, type=250, symbol="beep")]
    section = Sec(name=f".data.{'x' * 1000}", size=8, relocations=rows)
    content = elf(sections=[section], symbols=[Sym(name="beep")])
    shown = f".data.{'x' * 191}..."
    (missing,) = texts(linked(content))
    assert missing == (
        f"build/filters.o: error[S001]: extension 'filters' needs 'beep' (at {shown}+0x0 and 1 "
        "more): nothing defines it"
    )
    (unknown,) = texts(linked(content, base=[thumb("beep", 0x1000)]))
    assert unknown == (
        f"build/filters.o: error[R002]: relocation type 250 at {shown}+0x4 is not one of arm"
    )


def test_an_export_of_another_provider_goes_into_the_list_that_is_there(tmp_path: Path) -> None:
    """S004: a second key 'imports-from' would be an error."""
    content = compiled(tmp_path, NEEDY)
    peers = [peer("sound", "beep"), peer("out", "printk")]
    assert texts(linked(content, base=[], peers=peers, imports_from=["out"])) == [
        """\
build/filters.o: error[S004]: extension 'filters' needs 'beep' (at .text+0x2 and 2 more): 'sound' \
exports it, but 'imports-from' doesn't name it
hint: add 'sound' to 'imports-from'"""
    ]


def test_an_export_of_an_extension_that_needs_this_one_is_out_of_reach(tmp_path: Path) -> None:
    """S004, also over others; where another one has it, that is named."""
    content = compiled(tmp_path, NEEDY)
    sound = replace(peer("sound", "beep"), imports_from=("mix",))
    mix = replace(peer("mix"), imports_from=("mix", "filters"))
    assert texts(linked(content, peers=[sound, mix])) == [
        """\
build/filters.o: error[S004]: extension 'filters' needs 'beep' (at .text+0x2 and 2 more): 'sound' \
exports it, but imports from 'filters' itself
hint: move what they share to an extension of its own"""
    ]
    (text,) = texts(linked(content, peers=[sound, mix, peer("tone", "beep")]))
    assert text.endswith(
        "'tone' exports it, but 'imports-from' doesn't name it\nhint: add 'imports-from: [tone]'"
    )


def test_a_group_that_is_switched_off_says_where(tmp_path: Path) -> None:
    """S005, with a note for the condition; the unnamed group has no name."""
    content = compiled(tmp_path, NEEDY)
    why = Why(reason=Reason.SWITCHED_OFF, group="sound", when="CONFIG_SOUND", at=AT)
    assert texts(linked(content, why=why)) == [
        """\
build/filters.o: error[S005]: extension 'filters' needs 'beep' (at .text+0x2 and 2 more): the \
base image exports it only in group 'sound', which is switched off
llext.yml:12:9: note: switched off by 'when: CONFIG_SOUND'
hint: enable CONFIG_SOUND in the base image's configuration"""
    ]
    why = Why(reason=Reason.SWITCHED_OFF, when="CONFIG_SOUND")
    assert texts(linked(content, why=why)) == [
        """\
build/filters.o: error[S005]: extension 'filters' needs 'beep' (at .text+0x2 and 2 more): the \
base image exports it only in a group, which is switched off
hint: enable CONFIG_SOUND in the base image's configuration"""
    ]


def test_a_thread_local_variable_of_the_base_cannot_be_imported(tmp_path: Path) -> None:
    """S006: a relocation of the local-exec model."""
    source = "extern __thread int code;\nint run(void) { return code; }\n"
    content = compiled(tmp_path, source, "-ftls-model=local-exec")
    base = [Sym(name="code", value=4, type=6, section=SHN_ABS), thumb("__aeabi_read_tp", 0x1000)]
    for mode in Mode:
        assert texts(linked(content, base=base, mode=mode)) == [
            """\
build/filters.o: error[S006]: extension 'filters' needs 'code', a thread-local variable of the \
base image, which can't be imported
hint: export a function that returns its address"""
        ]


def test_an_export_that_the_base_was_built_without_says_to_build_it_again(tmp_path: Path) -> None:
    """S007."""
    why = Why(reason=Reason.NOT_BUILT_IN)
    assert texts(linked(compiled(tmp_path, NEEDY), why=why)) == [
        """\
build/filters.o: error[S007]: extension 'filters' needs 'beep' (at .text+0x2 and 2 more): the \
manifest exports it, but this base image was built without it
hint: build the base image again with the generated table"""
    ]


@pytest.mark.parametrize("mode", [Mode.RELOCATABLE, Mode.BOUND])
def test_a_provider_without_an_address_is_no_good_for_prelocated_extensions(
    mode: Mode, tmp_path: Path
) -> None:
    """S008: the other one isn't prelocated."""
    made = linked(
        compiled(tmp_path, NEEDY),
        mode=Mode.PRELOCATED,
        peers=[peer("sound", "beep", mode=mode)],
        imports_from=["sound"],
    )
    assert texts(made) == [
        """\
build/filters.o: error[S008]: extension 'filters' needs 'beep' (at .text+0x2 and 2 more): 'sound' \
exports it, but has no fixed address for a prelocated extension to use
hint: set 'mode: prelocated' for 'sound', or another mode for this extension"""
    ]


def test_a_hidden_symbol_of_the_base_says_what_to_add(tmp_path: Path) -> None:
    """S009."""
    assert texts(linked(compiled(tmp_path, NEEDY), why=Why(reason=Reason.HIDDEN))) == [
        """\
build/filters.o: error[S009]: extension 'filters' needs 'beep' (at .text+0x2 and 2 more): the \
base image defines it as a hidden symbol
hint: add 'beep' to 'base.exports'"""
    ]


EXPORTING = """
static int quiet(int x) { return x; }
int (*volatile use)(int) = quiet;
int loud(int x) { return x + 1; }
struct entry { const char *name; const void *address; };
#define EXPORT(name, symbol) static const struct entry name \\
    __attribute__((section(".exported_sym"), used)) = {#symbol, (const void *)symbol}
"""


def test_an_export_that_is_not_defined_says_so(tmp_path: Path) -> None:
    """S010: static, nearly right, and not there at all; at the manifest's place."""
    content = compiled(tmp_path, EXPORTING)
    made = linked(content, exports=["loud", "quiet", "louder", "zzz"])
    assert texts(made) == [
        """\
llext.yml:12:9: error[S010]: extension 'filters' exports 'quiet', but doesn't define it as a \
global symbol (it is static)
hint: remove 'static' there""",
        """\
llext.yml:12:9: error[S010]: extension 'filters' exports 'louder', but doesn't define it
hint: did you mean 'loud'?""",
        """\
llext.yml:12:9: error[S010]: extension 'filters' exports 'zzz', but doesn't define it
hint: define it, or remove it from 'exports'""",
    ]


@pytest.mark.parametrize(("size", "absent"), [(0, True), (4, False)])
def test_an_export_without_any_bytes_is_absent_where_nothing_is_loaded(
    size: int, *, absent: bool
) -> None:
    """A COMMON symbol without a size, in an extension without .bss: it would have no address."""
    content = elf(
        sections=[Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, size=4)],
        symbols=[Sym(name="buffer", value=4, size=size, section=SHN_COMMON)],
    )
    made = linked(content, exports=["buffer"])
    complaint = (
        "llext.yml:12:9: error[S010]: extension 'filters' exports 'buffer', but doesn't define it "
        "in a part that is loaded\nhint: give it bytes in such a part"
    )
    assert texts(made) == ([complaint] if absent else [])
    assert absent or [each.name for each in made.linked.exports] == ["buffer"]


def test_a_symbol_that_the_source_exports_twice_is_said_once(tmp_path: Path) -> None:
    """S011; naming it in the manifest as well is fine."""
    source = EXPORTING + "EXPORT(one, loud);\nEXPORT(two, loud);\n"
    assert texts(linked(compiled(tmp_path, source), exports=["loud"])) == [
        """\
build/filters.o: error[S011]: extension 'filters' exports 'loud' twice in its sources
hint: keep one LL_EXTENSION_SYMBOL(loud)"""
    ]
    once = linked(compiled(tmp_path, EXPORTING + "EXPORT(one, loud);\n"), exports=["loud"])
    assert texts(once) == []
    assert [each.name for each in once.linked.exports] == ["loud"]


def test_a_provider_that_nothing_is_imported_from_is_a_warning(tmp_path: Path) -> None:
    """S012: it costs one of eight places on the target."""
    made = linked(
        compiled(tmp_path, "int run(void) { return 1; }"),
        peers=[peer("sound", "beep")],
        imports_from=["sound"],
    )
    assert texts(made) == [
        """\
llext.yml:12:9: warning[S012]: extension 'filters' imports nothing from 'sound'
hint: remove 'sound' from 'imports-from'"""
    ]
    assert made.findings[0].severity is Severity.WARNING


@pytest.mark.parametrize("mode", [Mode.RELOCATABLE, Mode.BOUND, Mode.PRELOCATED])
def test_an_import_that_two_providers_export_is_a_warning(mode: Mode, tmp_path: Path) -> None:
    """S015: the loader takes it from whichever it finds; a static link from the first listed."""
    made = linked(
        compiled(tmp_path, "int beep(void), ring(void); int run(void) { return beep() + ring(); }"),
        mode=mode,
        peers=[peer("sound", "beep"), peer("tones", "beep", "ring"), peer("alarm", "beep")],
        imports_from=["tones", "sound", "alarm"],
    )
    outcome = {
        Mode.RELOCATABLE: "which one it gets depends on the order in which they are loaded",
        Mode.BOUND: "which one it gets depends on the order in which they are loaded",
        Mode.PRELOCATED: "it is linked to that of 'tones'",
    }
    hint = "remove all but one of them from 'imports-from', or rename the symbol in the others"
    expected = (
        "llext.yml:12:9: warning[S015]: extension 'filters' imports 'beep', which 'tones', "
        f"'sound' and 'alarm' export: {outcome[mode]}\nhint: {hint}"
    )
    assert texts(made) == [expected]
    assert {each.severity for each in made.findings} == {Severity.WARNING}


def test_a_provider_without_an_address_is_no_choice_for_a_prelocated_one(tmp_path: Path) -> None:
    """It can only be linked to the other."""
    made = linked(
        compiled(tmp_path, "int beep(void); int run(void) { return beep(); }"),
        mode=Mode.PRELOCATED,
        peers=[peer("sound", "beep", mode=Mode.BOUND), peer("tones", "beep")],
        imports_from=["sound", "tones"],
    )
    assert [each.code for each in made.findings] == ["S012"]
    assert made.second.resolution.provided == (("beep", "tones"),)


def test_an_entry_of_the_export_section_that_is_none_is_said(tmp_path: Path) -> None:
    """S013: the loader would take a number for a name, or drop the rest of the section."""
    source = """
        .text
        .thumb
        .type loud, %function
        .thumb_func
        .global loud
    loud: bx lr
        .section .rodata.str, "a"
    name: .asciz "loud"
        .section .exported_sym, "a"
        .word 0, loud, name, 0, name, loud, name + 100, loud, name
    """
    assert texts(linked(assembled(tmp_path, source))) == [
        f"""\
build/filters.o: error[S013]: extension 'filters' has an entry at .exported_sym+{offset} that \
isn't a pointer to a name and one to a symbol
hint: make entries with LL_EXTENSION_SYMBOL, or name the symbol in 'exports'"""
        for offset in ("0x0", "0x8", "0x18", "0x20")
    ]


def test_of_many_entries_that_are_none_the_first_are_said() -> None:
    """S013: a section of zeros can have millions of them."""
    content = elf(sections=[Sec(name=".exported_sym", content=bytes(8 * 100))])
    found = texts(linked(content))
    assert len(found) == 20
    assert found[-1] == (
        "build/filters.o: error[S013]: extension 'filters' has an entry at .exported_sym+0x98 that "
        "isn't a pointer to a name and one to a symbol (and 80 more like it)\n"
        "hint: make entries with LL_EXTENSION_SYMBOL, or name the symbol in 'exports'"
    )
    assert not any("more like it" in each for each in found[:-1])


def test_names_of_entries_are_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """S013: thousands of them can share the bytes of one long string."""
    monkeypatch.setattr(link_exports, "MAX_NAMES", 100)
    rows = [
        row
        for each in range(20)
        for row in (
            Rel(offset=8 * each, type=2, symbol=f"name{each}"),
            Rel(offset=8 * each + 4, type=2, symbol="run"),
        )
    ]
    content = elf(
        sections=[
            Sec(name=".rodata", content=b"x" * 40 + b"\0"),
            Sec(name=".exported_sym", content=bytes(8 * 20), relocations=rows),
        ],
        symbols=[
            *(Sym(name=f"name{each}", section=".rodata", value=each) for each in range(20)),
            Sym(name="run", section=".rodata"),
        ],
    )
    # 40 + 39 + 38 letters; the fourth would be beyond the limit
    codes = [each.code for each in linked(content).findings]
    assert codes == ["S013"] * 17


def test_every_miss_is_reported_in_the_order_of_the_symbol_table(tmp_path: Path) -> None:
    """Not the first, and not sorted by name."""
    source = "\n".join(
        ["int run(void) {", *[f"    extern int f{n}(void); f{n}();" for n in (3, 1, 2)], "}"]
    )
    content = compiled(tmp_path, source, "-Wno-return-type", "-g")
    made = linked(content, lines=True)
    assert [each.at.line for each in made.findings] == [2, 3, 4]
    assert [each.message.split("'")[3] for each in made.findings] == ["f3", "f1", "f2"]


def test_symbols_that_only_debug_information_uses_are_not_needed(tmp_path: Path) -> None:
    """Nothing of it is loaded."""
    source = "extern int ghost;\nint *unused(void);\nint run(void) { return sizeof ghost; }\n"
    assert texts(linked(compiled(tmp_path, source, "-g3"))) == []


def test_imports_say_where_they_come_from(tmp_path: Path) -> None:
    """The base first, then by provider and name; references are counted."""
    source = """
        .text
        .thumb
        bl zeta
        bl beep
        bl beep
        .weak absent
        bl absent
        .balign 4
        .word alpha, beep, printk
    """
    peers = [peer("sound", "beep"), peer("other", "alpha")]
    content = assembled(tmp_path, source)
    base = [PRINTK, thumb("zeta", 0x2000)]
    made = linked(content, peers=peers, imports_from=["sound", "other"], base=base)
    assert made.linked.imports == (
        Import("absent", None, None, True, 1),  # noqa: FBT003 (a record)
        Import("printk", None, None, False, 1),  # noqa: FBT003 (a record)
        Import("zeta", None, None, False, 1),  # noqa: FBT003 (a record)
        Import("alpha", "other", None, False, 1),  # noqa: FBT003 (a record)
        Import("beep", "sound", None, False, 3),  # noqa: FBT003 (a record)
    )
    names = ["sound", "other"]
    bound = linked(content, peers=peers, imports_from=names, base=base, mode=Mode.BOUND)
    assert [each.address for each in bound.linked.imports if each.address] == [0x1001, 0x2001]


def test_the_base_wins_over_providers_and_the_first_provider_over_the_next(
    tmp_path: Path,
) -> None:
    """The order of the target: base image, then the extensions as `imports-from` names them."""
    content = compiled(tmp_path, NEEDY)
    peers = [peer("one", "beep", "printk"), peer("two", "beep")]
    made = linked(content, peers=peers, imports_from=["two", "one"])
    assert made.second.resolution.provided == (("beep", "two"),)


def test_a_prelocated_provider_is_called_at_its_address(tmp_path: Path) -> None:
    """Statically: no name, no veneer where the two are near."""
    base = offer([PRINTK])
    case = Case(
        extension=extension(imports_from=["sound"]),
        base=base,
        peers={"sound": peer("sound", "beep")},
        peer_addresses={("sound", "beep"): 0x10801},
    )
    made = case.link(compiled(tmp_path, NEEDY))
    assert not made.second.stubs.all
    beep = next(each for each in made.linked.imports if each.name == "beep")
    assert (beep.provider, beep.address) == ("sound", 0x10801)
    assert made.linked.identity == offer_identity(made)


def offer_identity(made: Outcome) -> str:
    """Identity of the same extension, from what its base symbols are: see docs/blob-format.md."""
    import hashlib

    state = hashlib.sha256()
    base = [each for each in made.linked.imports if each.provider is None and each.address]
    for each in sorted(base, key=lambda each: each.name):
        state.update(each.name.encode() + b"\0" + (each.address or 0).to_bytes(8, "little"))
    return state.hexdigest()


# --- traps that other tools fall into ------------------------------------------------------------


def functions(count: int) -> tuple[str, dict[str, int]]:
    """C source with a table of pointers to functions of the base, and their addresses."""
    names = {f"zephyr_function_{n}": 0x08000100 + 0x20 * n for n in range(count)}
    lines = [f"extern void {name}(void);" for name in names]
    table = ", ".join(names)
    return "\n".join([*lines, f"void (*const table[])(void) = {{{table}}};"]), names


def test_trap_1_function_pointers_keep_bit_0(tmp_path: Path) -> None:
    """Addresses from `nm` lose it: every pointer is even, and the first call faults."""
    source, names = functions(39)
    base = [thumb(name, address) for name, address in names.items()]
    for mode in (Mode.BOUND, Mode.PRELOCATED):
        made = linked(compiled(tmp_path, source), base=base, mode=mode)
        content = made.content(Region.RODATA)
        found = [int.from_bytes(content[at : at + 4], "little") for at in range(0, 156, 4)]
        assert [address | 1 for address in names.values()] == found


def test_trap_2_data_addresses_get_no_bit_0(tmp_path: Path) -> None:
    """`| 1` for every symbol breaks variables."""
    source = "extern int zephyr_variable;\nint *const pointer = &zephyr_variable;\n"
    base = [data("zephyr_variable", 0x200000E0)]
    for mode in (Mode.BOUND, Mode.PRELOCATED):
        made = linked(compiled(tmp_path, source), base=base, mode=mode)
        assert made.content(Region.RODATA) == (0x200000E0).to_bytes(4, "little")


def test_trap_3_an_undefined_symbol_is_an_error_in_every_mode(tmp_path: Path) -> None:
    """`ld -r` and `ld -shared` end with 0."""
    for mode in Mode:
        assert has_errors(linked(compiled(tmp_path, NEEDY), mode=mode).findings)


def test_trap_4_sixty_undefined_symbols_are_sixty_findings(tmp_path: Path) -> None:
    """A linker that stops at 20 makes three rounds of it."""
    source, names = functions(60)
    made = linked(compiled(tmp_path, source))
    assert [each.message.split("'")[3] for each in made.findings] == list(names)


def test_trap_5_far_calls_need_no_long_calls(tmp_path: Path) -> None:
    """Veneers are made for absolute symbols; -mlong-calls code is left as it is."""
    base = [thumb("printk", 0x20000000), thumb("beep", 0x20001000)]
    made = linked(compiled(tmp_path, NEEDY), base=base, mode=Mode.PRELOCATED)
    assert sorted(made.second.targets[each.target].name for each in made.second.stubs.all) == [
        "beep",
        "printk",
    ]
    long = linked(compiled(tmp_path, NEEDY, "-mlong-calls"), base=base, mode=Mode.PRELOCATED)
    assert long.second.stubs.all == []


def test_trap_6_what_nothing_refers_to_is_kept(tmp_path: Path) -> None:
    """Dropping sections needs to know every root; the compiler's own `ld -r` may do it before."""
    content = compiled(tmp_path, NEEDY, "-ffunction-sections")
    made = linked(content, base=[PRINTK, thumb("beep", 0x2000)])
    section = made.linked.section(Region.TEXT)
    assert section is not None
    names = [piece.source for piece in section.pieces]
    assert names[:2] == [".text.run", ".text.more"]


def test_trap_7_a_weak_symbol_that_nobody_defines_is_no_error(tmp_path: Path) -> None:
    """Its address is 0, and a call of it does nothing."""
    source = """
        __attribute__((weak)) extern int absent(void);
        int (*const pointer)(void) = absent;
        int run(void) { return absent(); }
    """
    for mode in Mode:
        made = linked(compiled(tmp_path, source, "-fno-optimize-sibling-calls"), mode=mode)
        assert made.content(Region.RODATA) == bytes(4)
        assert bytes.fromhex("aff30080") in made.content(Region.TEXT)
        assert made.linked.left == {}


def test_trap_8_a_blob_has_only_symbols_that_it_needs(tmp_path: Path) -> None:
    """`-R base.elf` copies all 20,000 of the base into every product."""
    base = [thumb(f"function_{n}", 0x1000 + 4 * n) for n in range(2000)]
    base += [PRINTK, thumb("beep", 0x900)]
    content = compiled(tmp_path, NEEDY)
    counts = {mode: len(linked(content, base=base, mode=mode).linked.symbols) for mode in Mode}
    # two names, the start of .rodata, and the one symbol that the loader wants
    assert counts == {Mode.RELOCATABLE: 4, Mode.BOUND: 2, Mode.PRELOCATED: 1}


def test_trap_9_a_finding_stops_the_link_before_there_is_anything_to_write(
    tmp_path: Path,
) -> None:
    """A helper script that ignores the linker's status writes a product all the same."""
    made = linked(compiled(tmp_path, NEEDY), mode=Mode.PRELOCATED)
    assert made.record is None
    assert has_errors(made.findings)


def test_trap_10_linking_again_changes_nothing(tmp_path: Path) -> None:
    """No state is kept between links: ten times the same record."""
    content = compiled(tmp_path, NEEDY)
    base = [PRINTK, thumb("beep", 0x2000)]
    records = [linked(content, base=base, mode=Mode.PRELOCATED).linked for _ in range(10)]
    assert all(each == records[0] for each in records)


def test_trap_11_local_symbols_of_the_base_are_not_offered(tmp_path: Path) -> None:
    """A table of all names has static functions in it, some of them many times."""
    base = [
        PRINTK,
        Sym(name="beep", value=0x3001, binding=0, type=2, section=SHN_ABS),
        Sym(name="beep", value=0x4001, binding=0, type=2, section=SHN_ABS),
    ]
    static = Why(reason=Reason.STATIC)
    for mode in Mode:
        made = linked(compiled(tmp_path, NEEDY), base=base, mode=mode, why=static)
        assert [each.code for each in made.findings] == ["S002"]


def test_a_peer_is_what_its_exports_are(tmp_path: Path) -> None:
    """What importers see of an extension: region, offset and kind of each export."""
    content = compiled(tmp_path, "int value = 3;\nint run(void) { return value; }\n")
    made = linked(content, exports=["run", "value"])
    seen: Mapping[str, Offered] = made.first.peer().exports
    assert {
        "run": Offered(Region.TEXT, 0, 1, True),  # noqa: FBT003 (a record)
        "value": Offered(Region.DATA, 0, 0, False),  # noqa: FBT003 (a record)
    } == seen


@pytest.mark.parametrize(
    ("why", "expected"),
    [
        (
            Why(reason=Reason.ABSENT, origin=Origin.DEVICE, about="the device of node '/x@4'"),
            (
                "error[S001]: extension 'filters' needs 'beep', the device of node '/x@4' (at "
                ".text+0x2 and 2 more): nothing defines it\nhint: enable the node and its driver; "
                "numbers of nodes change with the devicetree, so compile against the headers of "
                "this base image"
            ),
        ),
        (
            Why(reason=Reason.NOT_EXPORTED, origin=Origin.DEVICE, about="the device of node '/x'"),
            (
                "error[S003]: extension 'filters' needs 'beep', the device of node '/x' (at "
                ".text+0x2 and 2 more): the base image defines it, but doesn't export it\nhint: "
                "set CONFIG_LLEXT_EXPORT_DEVICES=y in the base image, or add 'beep' to "
                "'base.exports'"
            ),
        ),
        (
            Why(reason=Reason.ABSENT, origin=Origin.SYSCALL, about="the system call 'beep'"),
            (
                "error[S001]: extension 'filters' needs 'beep', the system call 'beep' (at "
                ".text+0x2 and 2 more): nothing defines it\nhint: enable what has it in the base "
                "image's configuration"
            ),
        ),
        (
            Why(reason=Reason.NOT_EXPORTED, origin=Origin.HELPER, about="a compiler helper"),
            (
                "error[S003]: extension 'filters' needs 'beep', a compiler helper (at .text+0x2 "
                "and 2 more): the base image defines it, but doesn't export it\nhint: set "
                "'compiler-runtime: toolchain', or add 'beep' to 'base.exports'"
            ),
        ),
    ],
    ids=lambda each: "" if isinstance(each, str) else f"{each.origin.value} {each.reason.value}",
)
def test_names_that_nobody_wrote_are_explained(why: Why, expected: str, tmp_path: Path) -> None:
    """What a symbol stands for, and what to do about that."""
    assert texts(linked(compiled(tmp_path, NEEDY), why=why)) == [f"build/filters.o: {expected}"]


LABELS = """\
    .text
    .global copy, table, typed, odd, last
copy:
    bx lr
    .type typed, %function
typed:
    bx lr
table:
    .word 1
    .thumb_func
odd:
    bx lr
last:
    bx lr
"""


def test_thumb_code_without_a_type_is_no_function_to_callers(tmp_path: Path) -> None:
    """S017 for labels in code alone: GNU as sets bit 0 where it knows that one is a function."""
    content = assembled(tmp_path, LABELS, "cortex-m3", "-mthumb")
    names = ["copy", "table", "typed", "odd", "last"]
    made = linked(content, exports=names)
    assert texts(made) == [
        f"""\
llext.yml:12:9: warning[S017]: extension 'filters' exports '{name}', Thumb code that isn't typed \
as a function: its address lacks the Thumb bit, and calls of it fault
hint: write '.type {name}, %function' in the assembler source"""
        for name in ("copy", "last")
    ]
    assert not has_errors(made.findings)
    rows = map(str.split, output(tool("readelf"), "-sW", str(tmp_path / "unit.o")).splitlines())
    values = {row[7]: int(row[1], 16) for row in rows if row[-1:] and row[-1] in names}
    assert [values[name] & 1 for name in names] == [0, 0, 1, 1, 0]


def test_arm_code_needs_no_type(tmp_path: Path) -> None:
    """Bit 0 is clear for it anyway."""
    source = ".arm\n.global run\nrun:\n    bx lr\n"
    content = assembled(tmp_path, source, "cortex-a9")
    assert texts(linked(content, exports=["run"])) == []
