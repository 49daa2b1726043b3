# SPDX-License-Identifier: Apache-2.0
"""The pytest plugin in sessions of its own, on projects with blobs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.commands import ROOT, Ran, command
from support.project import runnable
from support.sample import COMPILERS, prepared

pytest.importorskip("unicorn")


def session(
    folder: Path, text: str, *words: str, environment: Mapping[str, str] | None = None
) -> Ran:
    """What pytest says of a file of tests."""
    (folder / "test_demo.py").write_text(text, encoding="utf-8")
    kept = {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *words],
        cwd=folder,
        env={**kept, "COLUMNS": "200", "PYTHONPATH": str(ROOT), **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def errors(ran: Ran) -> str:
    """What pytest shows of exceptions."""
    lines = [line[1:] for line in ran.out.splitlines() if line.startswith("E  ")]
    return "\n".join(line.removeprefix(" " * 7).rstrip() for line in lines)


def built(folder: Path, mode: str = "bound") -> Path:
    """A project that has been built."""
    runnable(folder, mode=mode)
    ran = command("build", "-q", folder=folder)
    assert ran.status == 0, ran.err
    return folder


EVERYTHING = """
import pytest

def test_results(llext):
    demo = llext.load("demo")
    result = demo.call("demo_add", -3, 1)
    assert (result.value, result.unsigned, result.signed) == (0xFFFFFFFE, 0xFFFFFFFE, -2)
    assert (result.output, result.instructions) == ("", 2)
    assert repr(result) == "CallResult(value=0xfffffffe, output='', instructions=2)"

def test_every_test_begins_anew(llext):
    demo = llext.load("demo")
    assert [demo.call("demo_count").value for _ in range(2)] == [6, 7]
    assert llext.load("demo") is demo

def test_memory_of_the_extension(llext):
    demo = llext.load("demo")
    assert demo.integer("counter") == 5
    demo.write("counter", b"\\x29\\0\\0\\0")
    assert (demo.call("demo_count").value, demo.read("counter", 4)) == (42, b"\\x2a\\0\\0\\0")
    assert llext.read(demo.symbol("counter"), 1) == b"*"

def test_pointers(llext):
    demo = llext.load("demo")
    assert demo.call("demo_first", "text").value == ord("t")
    assert demo.call("demo_first", b"\\x80x").value == 0x80
    buffer = bytearray(2)
    demo.call("demo_fill", buffer)
    assert buffer == bytearray(b"*\\0")
    kept = llext.allocate(b"kept\\0")
    demo.call("demo_fill", kept)
    assert (llext.string(kept), llext.heap_in_use) == ("*ept", 5)

def test_stand_ins(llext):
    @llext.stand_in("sensor_read")
    def sensor_read(target, channel):
        target.print(f"channel {channel}\\n")
        target.sleep(5)
        return -channel
    demo = llext.load("demo")
    result = demo.call("demo_run", 3)
    assert (result.signed, result.output, llext.output) == (-3, "channel 3\\n", "channel 3\\n")
    assert llext.milliseconds == 5
    llext.sleep(10)
    assert llext.milliseconds == 15
    llext.stand_in("sensor_read", lambda target, channel: 8)
    assert demo.call("demo_run", 3).value == 8

def test_a_stand_in_fails_a_test(llext):
    def sensor_read(target, channel):
        assert channel == 4, "another channel"
    llext.stand_in("sensor_read", sensor_read)
    with pytest.raises(AssertionError, match="another channel"):
        llext.load("demo").call("demo_run", 3)
"""


@pytest.mark.parametrize("mode", ["relocatable", "bound", "prelocated"])
def test_the_fixture_does_what_the_page_says(mode: str, tmp_path: Path) -> None:
    """In every mode; each test has a target of its own."""
    ran = session(built(tmp_path, mode), EVERYTHING)
    assert (ran.status, ran.out.splitlines()[-1].split(" in ")[0]) == (0, "6 passed"), ran.out


def test_a_fault_is_reported_as_a_whole(tmp_path: Path) -> None:
    """The place, the registers, the memory; and no frame of the tool."""
    text = """
def test_it(llext):
    llext.load("demo").call("demo_first", 0x70000000)
"""
    ran = session(built(tmp_path, "prelocated"), text)
    assert errors(ran) == (
        "west_llext.app.fixture.CallFaultError: 'demo:demo_first 1879048192' didn't return: "
        "'demo_first'+0x0 (demo) at 0x10001c reads memory that isn't there: 0x70000000\n"
        "  in 'demo_first'+0x0 (demo)\n"
        "registers:\n"
        "  R0   0x70000000  R1   0x00000000  R2   0x00000000  R3   0x00000000\n"
        "  R4   0x00000000  R5   0x00000000  R6   0x00000000  R7   0x00000000\n"
        "  R8   0x00000000  R9   0x00000000  R10  0x00000000  R11  0x00000000\n"
        "  R12  0x00000000  SP   0x9ff04000  LR   0x9ff04001  PC   0x0010001c\n"
        "  CPSR 0x400001f3\n"
        "memory:\n"
        "  0x00001000-0x00001100 r-x base image: segment 0\n"
        "  0x00100000-0x00100028 r-x demo: .text <- here\n"
        "  0x00100028-0x0010005a r-- demo: .rodata\n"
        "  0x0010005c-0x00100084 r-- demo: .exported_sym\n"
        "  0x00100084-0x00100088 rw- demo: .data\n"
        "  0x20000000-0x20000010 rw- base image: segment 1\n"
        "  0x9ff00000-0x9ff04000 rw- the emulator's stack and heap: stack\n"
        "  0x9ff04000-0x9ff05000 r-x the emulator's stack and heap: return\n"
        "  0x9ff05000-0x9ff06000 r-x the emulator's stack and heap: stand-ins\n"
        "  0x9ff06000-0x9ff16000 rw- the emulator's stack and heap: heap\n"
        "  0x9ff16000-0x9ff26000 rw- the emulator's stack and heap: arguments"
    )
    assert "west_llext/app/bench.py" not in ran.out


#: What a test does, and what is said then; behind the name of the exception.
WRONG = {
    'llext.load("other")': "the manifest has no 'other', it has: 'demo'",
    'llext.load("demo").call("demo_rum")': (
        "build/llext/demo.llext: error[X009]: extension 'demo' exports no 'demo_rum', it exports: "
        "'demo_add', 'demo_count', 'demo_fill', 'demo_first', 'demo_run'\n"
        "hint: did you mean 'demo_run'?"
    ),
    'llext.load("demo").symbol("count")': "extension 'demo' has no symbol 'count'",
    "llext.read(0, 4)": "the target has no memory yet: load an extension first",
    'llext.load("demo").read(0x70000000, 4)': "there is no memory at 0x70000000",
    'llext.load("demo").call("demo_run", 1.5)': (
        "an argument is 1.5, expected an integer, a text, bytes or a bytearray"
    ),
    'llext.load("demo").call("demo_run", b"x" * 65537)': (
        "command line: error[X010]: 65537 bytes of 'demo:demo_run' have no room, there are 65536 "
        "for all arguments"
    ),
    'llext.stand_in("sensor_read", lambda: 0)': (
        "'sensor_read' takes no target, expected it as the first parameter"
    ),
    'llext.stand_in("sensor_read", lambda target, *, channel: 0)': (
        "'sensor_read' has a parameter 'channel' that C can't pass"
    ),
    'llext.load("demo"); llext.stand_in("late", lambda target: 0)': (
        "stand-ins: error[X011]: 'late' gets a stand-in, and has no address: neither the base "
        "image nor a stand-in had this name when the first extension was loaded\n"
        "hint: set it before the first extension is loaded"
    ),
}


def test_what_is_wrong_is_said_in_a_sentence(tmp_path: Path) -> None:
    """Without a frame of the tool."""
    tests = [f"def test_{number}(llext):\n    {line}\n" for number, line in enumerate(WRONG)]
    ran = session(built(tmp_path), "\n\n".join(tests))
    name = "west_llext.app.fixture.ExtensionError: "
    expected = "\n".join(f"{name}{text}" for text in WRONG.values())
    assert errors(ran).replace(f"{tmp_path.as_posix()}/", "") == expected
    assert "west_llext/app" not in ran.out


def test_a_stand_in_that_calls_a_function_fails_the_test(tmp_path: Path) -> None:
    """The emulator has one state: the process would end with a signal, sooner or later."""
    text = """
def test_it(llext):
    demo = llext.load("demo")
    llext.stand_in("sensor_read", lambda target, channel: demo.call("demo_add", 1, 2))
    demo.call("demo_run", 1)
"""
    ran = session(built(tmp_path), text)
    assert errors(ran).strip() == (
        "west_llext.app.fixture.ExtensionError: a function is running: a stand-in can't call "
        "another one, nor load or replace any"
    )


def test_calls_are_bounded_as_the_configuration_says(tmp_path: Path) -> None:
    """By instructions here; the one that goes beyond is still run."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nllext_max_instructions = 1\n")
    text = 'def test_it(llext):\n    llext.load("demo").call("demo_add")\n'
    ran = session(built(tmp_path), text)
    assert "runs more instructions than the limit" in errors(ran).splitlines()[0], ran.out


def test_a_target_ends_with_its_test(tmp_path: Path) -> None:
    """What runs beside pytest for it doesn't stay until the session is over."""
    text = """
from west_llext.app.bench import Bench

closed = []
Bench.close = lambda self: closed.append(self)

def test_one(llext):
    assert closed == []

def test_two():
    assert len(closed) == 1
"""
    ran = session(built(tmp_path), text)
    assert ran.status == 0, ran.out


@pytest.mark.parametrize(
    ("name", "value", "most"),
    [
        *(("llext_max_seconds", each, 86400) for each in ("-1", "nan", "inf")),
        *(("llext_max_instructions", each, 1 << 64) for each in ("0", "1.5", "9" * 99)),
    ],
)
def test_a_limit_that_bounds_nothing_is_refused(
    name: str, value: str, most: int, tmp_path: Path
) -> None:
    """A time that is no number would never be over."""
    (tmp_path / "pytest.ini").write_text(f"[pytest]\n{name} = {value}\n")
    base = tmp_path / "base.elf"
    ran = session(tmp_path, "def test_it(llext):\n    pass\n", "--llext-base", str(base))
    expected = f"the setting {name} is '{value:.60}', expected a number above 0, at most {most}"
    assert expected in ran.out.splitlines(), ran.out
    assert "Traceback" not in ran.out + ran.err


def test_a_blob_that_was_not_built_is_named(tmp_path: Path) -> None:
    """L001, with what to do."""
    runnable(tmp_path)
    ran = session(tmp_path, 'def test_it(llext):\n    llext.load("demo")\n')
    blob = (tmp_path / "build" / "llext" / "demo.llext").as_posix()
    assert errors(ran) == (
        f"west_llext.app.fixture.ExtensionError: {blob}: error[L001]: can't read '{blob}': "
        "No such file\nhint: run 'west llext build' first"
    )


def test_without_a_manifest_the_fixture_fails_by_name(tmp_path: Path) -> None:
    """M010; no traceback of the tool."""
    ran = session(tmp_path, "def test_it(llext):\n    pass\n")
    assert (
        f"{tmp_path.as_posix()}: error[M010]: no 'llext.yml' here or in a folder above" in ran.out
    )
    assert (ran.status, "Traceback" in ran.out) == (1, False)


def test_without_the_emulator_a_load_says_what_to_install(tmp_path: Path) -> None:
    """X001, in the test that needs it; the session itself goes on."""
    folder = built(tmp_path)
    (tmp_path / "shadow").mkdir()
    (tmp_path / "shadow" / "unicorn.py").write_text("raise ImportError\n", encoding="utf-8")
    ran = session(
        folder,
        'def test_it(llext):\n    llext.load("demo")\n\n\ndef test_other():\n    pass\n',
        environment={"PYTHONPATH": os.pathsep.join([str(tmp_path / "shadow"), str(ROOT)])},
    )
    assert "hint: run 'pip install unicorn'" in errors(ran)
    assert "1 failed, 1 passed" in ran.out


def test_options_name_manifest_output_and_base(tmp_path: Path) -> None:
    """On the command line from where pytest is started, in its file from where that is."""
    project = tmp_path / "project"
    project.mkdir()
    built(project)
    (project / "build" / "llext").rename(tmp_path / "blobs")
    text = 'def test_it(llext):\n    assert llext.load("demo").call("demo_add", 1, 2).value == 3\n'
    words = ("--llext-manifest", "project/llext.yml", "--llext-output", "blobs")
    ran = session(tmp_path, text, *words)
    assert ran.status == 0, ran.out
    ini = "[pytest]\nllext_manifest = project/llext.yml\nllext_output = blobs\n"
    (tmp_path / "pytest.ini").write_text(ini, encoding="utf-8")
    ran = session(tmp_path, text)
    assert ran.status == 0, ran.out


def test_a_base_image_and_a_blob_are_enough(tmp_path: Path) -> None:
    """For other build systems: no manifest is read."""
    built(tmp_path)
    (tmp_path / "llext.yml").unlink()
    text = """
from pathlib import Path

def test_it(llext):
    demo = llext.load(Path("build/llext/demo.llext"))
    llext.stand_in("sensor_read", lambda target, channel: channel * 2)
    assert demo.call("demo_run", 21).value == 42
"""
    ran = session(tmp_path, text, "--llext-base", "base.elf")
    assert ran.status == 0, ran.out


def test_the_manifest_names_stand_ins_for_all_tests(tmp_path: Path) -> None:
    """`run.stand-ins`, which a test can replace."""
    manifest = runnable(tmp_path)
    (tmp_path / "own.py").write_text("def sensor_read(target, channel):\n    return 7\n")
    with manifest.open("a", encoding="utf-8") as file:
        file.write("run:\n  stand-ins: [own.py]\n")
    assert command("build", "-q", folder=tmp_path).status == 0
    text = """
def test_it(llext):
    demo = llext.load("demo")
    assert demo.call("demo_run", 1).value == 7
    llext.stand_in("sensor_read", lambda target, channel: 9)
    assert demo.call("demo_run", 1).value == 9
"""
    ran = session(tmp_path, text)
    assert ran.status == 0, ran.out


def test_a_session_imports_nothing_but_the_plugin(tmp_path: Path) -> None:
    """As long as no test asks for the fixture."""
    text = """
import sys

def test_it():
    assert "unicorn" not in sys.modules
    names = {each for each in sys.modules if each.startswith("west_llext")}
    assert names == {"west_llext", "west_llext.pytest_plugin"}
"""
    ran = session(tmp_path, text)
    assert ran.status == 0, ran.out


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_sample_can_be_unit_tested(compiler: str, tmp_path: Path) -> None:
    """Relocatable, bound and prelocated extensions in one session."""
    sample = prepared(tmp_path / "sample", compiler)
    assert [str(each) for each in sample.warnings()] == []
    ran = session(sample.root, "", "tests")
    assert (ran.status, ran.out.splitlines()[-1].split(" in ")[0]) == (0, "8 passed"), ran.out


def test_blobs_that_are_older_than_their_objects_are_warned_of(tmp_path: Path) -> None:
    """Once a session; else an edit would seem to pass its tests. `-W error` makes it a failure."""
    built(tmp_path)
    test = """
def test_one(llext):
    assert llext.load("demo").call("demo_add", 1, 2).value == 3

def test_two(llext):
    assert llext.load("demo").call("demo_add", 2, 2).value == 4
"""
    assert "warning" not in session(tmp_path, test).out
    unit = tmp_path / "demo.o"
    unit.write_bytes(unit.read_bytes() + b"more")
    ran = session(tmp_path, test)
    assert ran.status == 0
    assert (
        ran.out.count("'demo.o' has changed since the last build, what runs is from before: run ")
        == 1
    )
    assert "2 passed, 1 warning in " in ran.out
    assert session(tmp_path, test, "-W", "error").status == 1
