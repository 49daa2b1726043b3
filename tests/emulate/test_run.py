# SPDX-License-Identifier: Apache-2.0
"""The use case `run`: files in, results and findings out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import quickstart
from support.commands import command
from support.elfbuild import ET_DYN, ET_EXEC, FUNC, SHF_ALLOC, SHF_EXECINSTR, Sec, Seg, Sym, elf
from support.emulated import thumb
from support.project import runnable
from support.quickstart import Quickstart

from west_llext.app.calls import FunctionCall, function_calls
from west_llext.app.fixture import CallFaultError, ExtensionError, Llext
from west_llext.app.run import RunRequest, run
from west_llext.diagnostics import LlextError, MissingError, UsageError
from west_llext.emulate.limits import Limits

pytest.importorskip("unicorn")

CODE = SHF_ALLOC | SHF_EXECINSTR
BX_LR = 0x4770
ADD_1 = 0x1C40  # adds r0, r0, #1
ADD_2 = 0x1C80  # adds r0, r0, #2
LDR_R0_R0 = 0x6800


def blob_at(
    path: Path, address: int, *code: int, init: tuple[int, ...] = (), name: str = "entry"
) -> Path:
    """A blob with code that exports its start by a name."""
    names = address + 0x100
    table = names.to_bytes(4, "little") + (address | 1).to_bytes(4, "little")
    sections = [
        Sec(name=".text", flags=CODE, addr=address, content=thumb(*code)),
        Sec(name=".rodata", addr=names, content=name.encode() + b"\0"),
        Sec(name=".exported_sym", addr=address + 0x200, content=table),
    ]
    if init:
        content = b"".join(each.to_bytes(4, "little") for each in init)
        sections.append(Sec(name=".init_array", type=14, addr=address + 0x300, content=content))
    entry = Sym(name=name, value=address | 1, size=2 * len(code), type=FUNC, section=".text")
    path.write_bytes(elf(file_type=ET_DYN, sections=sections, symbols=[entry]))
    return path


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A base image whose only function never returns."""
    path = tmp_path / "base.elf"
    path.write_bytes(
        elf(
            file_type=ET_EXEC,
            sections=[Sec(name=".text", flags=CODE, addr=0x1000, content=thumb(0xE7FE, BX_LR))],
            symbols=[Sym(name="k_msleep", value=0x1001, size=2, type=FUNC, section=".text")],
            segments=[Seg(sections=[".text"], flags=5)],
        )
    )
    return path


def request(
    base: Path, *blobs: Path, calls: str = "", stand_ins: tuple[str, ...] = ()
) -> RunRequest:
    """What to run, with limits that end a loop quickly."""
    return RunRequest(
        base=base,
        blobs=blobs,
        calls=function_calls(calls.split()),
        stand_ins=stand_ins,
        limits=Limits(instructions=10_000),
    )


def test_calls_are_read_from_words() -> None:
    """Integers belong to the call before them, in any of C's notations."""
    assert function_calls(["a:f", "1", "-2", "0x10", "b:g"]) == (
        FunctionCall("a", "f", (1, -2, 16)),
        FunctionCall("b", "g"),
    )


def test_words_that_are_no_calls_are_all_named() -> None:
    """X010: an integer without a call before it, a text, a name without its extension."""
    with pytest.raises(UsageError) as caught:
        function_calls(["1", "a:f", "x", ":g", "h:", "9" * 50])
    hint = (
        "hint: arguments are integers, text=TEXT, bytes=HEX, buffer=SIZE and symbol=NAME; "
        "for instance: west llext run filters:filters_run 3 text=low"
    )
    assert [str(each) for each in caught.value.diagnostics] == [
        f"command line: error[X010]: '{word}' is no call, expected EXTENSION:FUNCTION with "
        f"arguments behind it\n{hint}"
        for word in ("1", "x", ":g", "h:", "9" * 50)
    ]


def test_call_with_more_arguments_than_fit_is_refused() -> None:
    """X010: 32 are read, 33 are not."""
    assert len(function_calls(["a:f", *["1"] * 32])[0].arguments) == 32
    with pytest.raises(UsageError) as caught:
        function_calls(["a:f", *["1"] * 33])
    assert str(caught.value) == (
        "command line: error[X010]: 'a:f' has 33 arguments, expected at most 32"
    )


def test_constructors_come_first_then_calls_in_order(base: Path, tmp_path: Path) -> None:
    """The result says what was called, and what came back."""
    one = blob_at(tmp_path / "one.llext", 0x20000000, ADD_1, BX_LR, init=(0x20000001,))
    two = blob_at(tmp_path / "two.llext", 0x20010000, ADD_2, BX_LR)
    result = run(request(base, one, two, calls="two:entry 5 6 one:entry 41"))
    assert [(str(each.call), each.result.value) for each in result.called] == [
        ("one:constructor 1", 1),
        ("two:entry 5 6", 7),
        ("one:entry 41", 42),
    ]
    assert (result.core, result.findings) == ("Cortex-M33", ())


def test_call_that_faults_is_a_finding_and_the_last(base: Path, tmp_path: Path) -> None:
    """X008: what comes behind it would run on a state that means nothing."""
    path = blob_at(tmp_path / "demo.llext", 0x20000000, LDR_R0_R0, BX_LR)
    result = run(request(base, path, calls="demo:entry 0x70000000 demo:entry 0x20000000"))
    assert len(result.called) == 1
    assert [str(each) for each in result.findings] == [
        (
            f"{path.as_posix()}: error[X008]: 'demo:entry 1879048192' didn't return: "
            "'entry'+0x0 (demo) at 0x20000000 reads memory that isn't there: 0x70000000"
        )
    ]


def test_constructor_that_faults_stops_everything(base: Path, tmp_path: Path) -> None:
    """X008: also for constructors, which nobody asked for by name."""
    path = blob_at(tmp_path / "demo.llext", 0x20000000, 0xDE00, init=(0x20000001,))
    result = run(request(base, path, calls="demo:entry"))
    assert [str(each) for each in result.findings] == [
        (
            f"{path.as_posix()}: error[X008]: 'demo:constructor 1' didn't return: "
            "'entry'+0x0 (demo) at 0x20000000 has an instruction that the processor doesn't know"
        )
    ]


def test_target_that_ends_with_a_status_is_a_finding(base: Path, tmp_path: Path) -> None:
    """X008: SYS_EXIT with a reason other than a normal end; with a normal end it is none."""
    code = (0x4601, 0x2018, 0xBEAB)  # mov r1, r0; movs r0, #SYS_EXIT; bkpt 0xab
    path = blob_at(tmp_path / "demo.llext", 0x20000000, *code)
    wrong = run(request(base, path, calls="demo:entry 0x20023 demo:entry 0"))
    assert [str(each) for each in wrong.findings] == [
        (
            f"{path.as_posix()}: error[X008]: 'demo:entry 131107' ended the target with status 1, "
            "expected it to return"
        )
    ]
    right = run(request(base, path, calls="demo:entry 0x20026 demo:entry 0"))
    assert (right.findings, len(right.called)) == ((), 1)


def test_function_of_the_base_that_never_returns_is_replaced(base: Path, tmp_path: Path) -> None:
    """The base's k_msleep() waits for a timer; the stand-in doesn't."""
    code = (0x4700, 0x0000)  # bx r0
    path = blob_at(tmp_path / "demo.llext", 0x20000000, *code)
    real = run(request(base, path, calls="demo:entry 0x1001"))
    assert [str(each) for each in real.findings] == [
        (
            f"{path.as_posix()}: error[X008]: 'demo:entry 4097' didn't return: 'k_msleep'+0x0 "
            "(base image) at 0x1000 runs more instructions than the limit\n"
            "hint: let the host do what needs hardware: --stand-in k_msleep"
        )
    ]
    replaced = run(request(base, path, calls="demo:entry 0x1001", stand_ins=("k_msleep",)))
    assert (replaced.findings, replaced.called[0].result.value) == ((), 0)


#: Functions of a base image: one that never returns, and two that call it.
NEVER, PRINTK, SHOUT = 0x1001, 0x1005, 0x100D
CALL_NEVER = {PRINTK: (0xB500, 0xF7FF, 0xFFFB, 0xBD00), SHOUT: (0xB500, 0xF7FF, 0xFFF7, 0xBD00)}


@pytest.mark.parametrize(
    ("function", "remedy"),
    [
        (NEVER, "write 'never' in Python, and name its file: --stand-ins FILE.py"),
        (PRINTK, "--stand-in printk"),
        (SHOUT, "--stand-in FUNCTION, or --stand-ins FILE.py for one that you write in Python"),
    ],
)
def test_the_hint_names_a_function_that_helps(function: int, remedy: str, tmp_path: Path) -> None:
    """The one that the extension has called; one that the host knows where there is one."""
    base = tmp_path / "base.elf"
    code = (0xE7FE, BX_LR, *CALL_NEVER[PRINTK], *CALL_NEVER[SHOUT])
    places = {"never": (NEVER, 4), "printk": (PRINTK, 8), "shout": (SHOUT, 8)}
    base.write_bytes(
        elf(
            file_type=ET_EXEC,
            sections=[Sec(name=".text", flags=CODE, addr=0x1000, content=thumb(*code))],
            symbols=[
                Sym(name=name, value=value, size=size, type=FUNC, section=".text")
                for name, (value, size) in places.items()
            ],
            segments=[Seg(sections=[".text"], flags=5)],
        )
    )
    call_r0 = (0xB500, 0x4780, 0xBD00)  # push {lr}; blx r0; pop {pc}
    path = blob_at(tmp_path / "demo.llext", 0x20000000, *call_r0)
    made = run(request(base, path, calls=f"demo:entry {function}"))
    assert [str(each) for each in made.findings] == [
        (
            f"{path.as_posix()}: error[X008]: 'demo:entry {function}' didn't return: 'never'+0x0 "
            "(base image) at 0x1000 runs more instructions than the limit\n"
            f"hint: let the host do what needs hardware: {remedy}"
        )
    ]


def test_function_that_no_blob_exports_is_refused(base: Path, tmp_path: Path) -> None:
    """X009: all of them, with the nearest name, before anything is called."""
    path = blob_at(tmp_path / "demo.llext", 0x20000000, BX_LR)
    with pytest.raises(LlextError) as caught:
        run(request(base, path, calls="demo:entri dema:entry other:entry"))
    assert [str(each) for each in caught.value.diagnostics] == [
        (
            f"{path.as_posix()}: error[X009]: extension 'demo' exports no 'entri', "
            "it exports: 'entry'\nhint: did you mean 'entry'?"
        ),
        (
            "command line: error[X009]: there is no blob of an extension 'dema', "
            "expected one of: 'demo'\nhint: did you mean 'demo'?"
        ),
        (
            "command line: error[X009]: there is no blob of an extension 'other', "
            "expected one of: 'demo'"
        ),
    ]


def test_blobs_of_the_same_name_are_refused(base: Path, tmp_path: Path) -> None:
    """X010: a call could mean either."""
    (tmp_path / "old").mkdir()
    paths = [
        blob_at(tmp_path / "demo.llext", 0x20000000, BX_LR),
        blob_at(tmp_path / "old" / "demo.llext", 0x20010000, BX_LR),
    ]
    with pytest.raises(LlextError) as caught:
        run(request(base, *paths))
    assert str(caught.value) == (
        f"{paths[1].as_posix()}: error[X010]: there is already a blob of an extension 'demo', "
        "expected one blob of each name"
    )


def test_unknown_stand_in_is_refused(base: Path) -> None:
    """X011: with the nearest name."""
    with pytest.raises(UsageError) as caught:
        run(request(base, stand_ins=("printq",)))
    assert str(caught.value) == (
        "command line: error[X011]: there is no stand-in for 'printq'\nhint: did you mean 'printk'?"
    )


def test_every_blob_that_cannot_be_loaded_is_reported(base: Path, tmp_path: Path) -> None:
    """One finding each, in the order of the blobs; the good ones don't hide them."""
    good = blob_at(tmp_path / "good.llext", 0x20000000, BX_LR)
    same = blob_at(tmp_path / "same.llext", 0x20000000, BX_LR)
    junk = tmp_path / "junk.llext"
    junk.write_bytes(b"junk")
    with pytest.raises(LlextError) as caught:
        run(request(base, good, junk, same))
    assert [each.code for each in caught.value.diagnostics] == ["L002", "X007", "X007", "X007"]


def test_missing_blob_is_an_environment_error(base: Path, tmp_path: Path) -> None:
    """Exit status 3, as for every file that isn't there."""
    with pytest.raises(MissingError):
        run(request(base, tmp_path / "none.llext"))


@given(data=st.data())
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damaged_blob_gives_findings_or_results(
    base: Path, tmp_path: Path, data: st.DataObject
) -> None:
    """Bytes of a blob changed at random: nothing but a finding or a result comes of it."""
    path = blob_at(tmp_path / "demo.llext", 0x20000000, ADD_1, BX_LR, init=(0x20000001,))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    assert outcome(request(base, path, calls="demo:entry 1"))


@pytest.fixture(scope="module", params=["relocatable", "bound"])
def loadable(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The blob of a project in which every function is loaded and relocated."""
    folder = tmp_path_factory.mktemp(request.param)
    runnable(folder, mode=request.param)
    assert command("build", "-q", folder=folder).status == 0
    return folder / "build" / "llext" / "demo.llext"


@given(data=st.data())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damaged_blob_that_the_loader_takes_gives_findings_or_results(
    loadable: Path, tmp_path: Path, data: st.DataObject
) -> None:
    """The same through the model of the loader: what it lets through can still be anything."""
    path = tmp_path / "demo.llext"
    content = bytearray(loadable.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    base = loadable.parents[2] / "base.elf"
    assert outcome(request(base, path, calls="demo:demo_count demo:demo_run 1"))


def outcome(wanted: RunRequest) -> Sequence[object]:
    """What was called, or why nothing was."""
    try:
        result = run(wanted)
    except LlextError as err:
        return err.diagnostics
    return (*result.called, *result.findings)


@pytest.fixture(scope="module", params=["gcc", pytest.param("zig", marks=pytest.mark.zig)])
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Quickstart:
    """The quickstart, built with each compiler."""
    return quickstart.built(tmp_path_factory.mktemp("quickstart"), request.param)


@pytest.mark.cross
def test_quickstart_prints_what_its_sources_say(sample: Quickstart) -> None:
    """The base's own printk() and division, in the emulator; imports between extensions."""
    names = {"mathlib": "math_demo", "filters": "filters_demo", "counter": "counter_demo"}
    calls = tuple(FunctionCall(name, function) for name, function in names.items())
    blobs = tuple(sample.blobs[name] for name in names)
    result = run(RunRequest(base=sample.base, blobs=blobs, calls=calls))
    assert (result.core, result.findings) == ("Cortex-M3", ())
    assert [each.result.output for each in result.called if each.call in calls] == [
        quickstart.expected(name) for name in names
    ]


@pytest.mark.cross
def test_quickstart_functions_take_arguments(sample: Quickstart) -> None:
    """By hand: fir (1*200 + 2*100 + 2*100 + 1*100) * 10 / 6 = 1166, iir 1000 + 1000 / 4 = 1250."""
    calls = function_calls(["filters:filters_run", "0", "200", "filters:filters_run", "1", "200"])
    blobs = (sample.blobs["mathlib"], sample.blobs["filters"])
    result = run(RunRequest(base=sample.base, blobs=blobs, calls=calls))
    assert [each.result.value for each in result.called if each.call in calls] == [1166, 1250]


@pytest.mark.cross
def test_quickstart_prints_the_same_through_a_stand_in(sample: Quickstart) -> None:
    """Our formatting and the base's printk() agree."""
    calls = function_calls(["mathlib:math_demo"])
    request = RunRequest(
        base=sample.base, blobs=(sample.blobs["mathlib"],), calls=calls, stand_ins=("printk",)
    )
    assert run(request).called[-1].result.output == quickstart.expected("mathlib")


EVIL = "\x1b[2J\r\n::error::x"
SAID = r"\x1b[2J\x0d\x0a::error::x"


def test_names_out_of_blobs_stay_on_their_line(base: Path, tmp_path: Path) -> None:
    """They may hold what a terminal obeys, and line ends to forge further messages with."""
    blob = blob_at(tmp_path / "demo.llext", 0x20000, LDR_R0_R0, name=EVIL)
    with pytest.raises(LlextError) as caught:
        run(request(base, blob, calls="demo:nothing"))
    assert str(caught.value) == (
        f"{blob}: error[X009]: extension 'demo' exports no 'nothing', it exports: '{SAID}'"
    )
    call = FunctionCall("demo", EVIL, (0x70000000,))
    (found,) = run(dataclasses.replace(request(base, blob), calls=(call,))).findings
    assert found.message == (
        f"'demo:{SAID} 1879048192' didn't return: '{SAID}'+0x0 (demo) at 0x20000 reads memory "
        "that isn't there: 0x70000000"
    )


def test_what_pytest_shows_of_a_call_is_printable(base: Path, tmp_path: Path) -> None:
    """It shows the text of an exception as it is; the result's output is what was printed."""
    # movs r0, #SYS_WRITE0; bkpt 0xab; udf #0
    code = (0x2004, 0xBEAB, 0xDE00)
    blob = blob_at(tmp_path / "demo.llext", 0x20000, *code, name=EVIL)
    demo = Llext(None, base=base).load(blob)
    with pytest.raises(CallFaultError) as caught:
        demo.call(EVIL, 0, "\x1b]0;evil\x07")
    assert caught.value.result.output == "\x1b]0;evil\x07"
    lines = str(caught.value).split("\n")
    assert r"  \x1b]0;evil\x07" in lines
    assert [each for each in lines if not each.isprintable()] == []
    with pytest.raises(ExtensionError) as refused:
        demo.call("nothing")
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("limits", "made", "what"),
    [
        # b to itself until zero, 2 instructions each time; 100 times and the way in and out
        (Limits(instructions=1000), 5, "runs more instructions than the limit"),
        (Limits(output=17), 5, "prints more than the limit"),
    ],
    ids=["instructions", "output"],
)
def test_constructors_of_a_blob_have_one_limit_together(
    base: Path, tmp_path: Path, limits: Limits, made: int, what: str
) -> None:
    """A file says how many there are; four bytes and about 200 instructions are those of each."""
    # movs r0, #SYS_WRITE0; adr r1, text; bkpt 0xab; movs r0, #100; subs r0, #1; bne; bx lr
    code = (0x2004, 0xA103, 0xBEAB, 0x2064, 0x3801, 0xD1FD, BX_LR, 0xBF00, 0x6261, 0x6463, 0)
    blob = blob_at(tmp_path / "demo.llext", 0x20000, *code, init=(0x20001,) * 1000)
    result = run(dataclasses.replace(request(base, blob), limits=limits))
    assert len(result.called) == made
    assert [each.result.output for each in result.called[:-1]] == ["abcd"] * (made - 1)
    assert str(result.called[-1].result.fault).endswith(what)


def test_calls_have_limits_of_their_own(base: Path, tmp_path: Path) -> None:
    """Whoever asks for a call says how many there are."""
    code = (0x2064, 0x3801, 0xD1FD, BX_LR)  # movs r0, #100; subs r0, #1; bne; bx lr
    blob = blob_at(tmp_path / "demo.llext", 0x20000, *code, init=(0x20001,) * 4)
    asked = request(base, blob, calls="demo:entry " * 9)
    result = run(dataclasses.replace(asked, limits=Limits(instructions=1000)))
    assert [each.result.returned for each in result.called] == [True] * 13
