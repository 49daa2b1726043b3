# SPDX-License-Identifier: Apache-2.0
"""`run` on the command line: every mode, pointers, stand-ins, faults, and what is around a call."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import jsonschema
import pytest
from support.commands import command, settled
from support.elfbuild import FUNC, Rel, Sec, Sym, elf
from support.project import ABS32, SHF_ALLOC, SHF_EXECINSTR, project, runnable

from west_llext.manifest.schema import text as schema_text

pytest.importorskip("unicorn")

#: A Python file with a stand-in for the function that the base image has no code for.
OWN = """
_calls = []

def sensor_read(target, channel):
    _calls.append(channel)
    target.print(f"channel {channel}, call {len(_calls)}\\n")
    return 1000 + channel
"""

#: What is said of a manifest that was changed behind a build's back.
EDITED = (
    "llext.yml: note[X015]: 'llext.yml' has changed since the last build, what runs is from "
    "before\nhint: run 'west-llext build' first\n"
)


def built(folder: Path, mode: str = "bound") -> Path:
    """A project that has been built, with a file of stand-ins."""
    runnable(folder, mode=mode)
    (folder / "own.py").write_text(OWN, encoding="utf-8")
    ran = command("build", "-q", folder=folder)
    assert ran.status == 0, ran.err
    return folder


MODES = pytest.mark.parametrize("mode", ["relocatable", "bound", "prelocated"])


@MODES
def test_extensions_of_every_mode_run(mode: str, tmp_path: Path) -> None:
    """Calls of the base image, its own data, constants; in the order of the command line."""
    words = ("demo:demo_run", "3", "demo:demo_count", "demo:demo_count", "demo:demo_add", "-3", "1")
    ran = command("run", *words, "--stand-ins", "own.py", folder=built(tmp_path, mode))
    expected = (
        "channel 3, call 1\ndemo:demo_run 3 = 1003 (0x3eb)\n"
        "demo:demo_count = 6 (0x6)\ndemo:demo_count = 7 (0x7)\n"
        "demo:demo_add -3 1 = 4294967294 (0xfffffffe, -2)\n"
    )
    assert ran == (0, expected, "")


@MODES
def test_a_description_of_the_base_image_is_enough(mode: str, tmp_path: Path) -> None:
    """The stand-in is at the address that the description has."""
    built(tmp_path, mode)
    assert command("base", "export", "-o", "base.json", folder=tmp_path).status == 0
    (tmp_path / "base.elf").unlink()
    manifest = tmp_path / "llext.yml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("base.elf", "base.json"))
    ran = command("run", "demo:demo_run", "3", "--stand-ins", "own.py", folder=tmp_path)
    assert ran == (0, "channel 3, call 1\ndemo:demo_run 3 = 1003 (0x3eb)\n", f"{EDITED}1 note\n")


def test_names_alone_are_enough_for_a_relocatable_extension(tmp_path: Path) -> None:
    """What the manifest exports gets addresses."""
    built(tmp_path, "relocatable")
    manifest = tmp_path / "llext.yml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("  image: base.elf\n", ""))
    ran = command("run", "demo:demo_run", "3", "--stand-ins", "own.py", folder=tmp_path)
    assert ran == (0, "channel 3, call 1\ndemo:demo_run 3 = 1003 (0x3eb)\n", f"{EDITED}1 note\n")


def test_what_the_base_image_does_not_export_fails_as_on_the_target(tmp_path: Path) -> None:
    """L020, with the loader's own lines."""
    built(tmp_path, "relocatable")
    manifest = tmp_path / "llext.yml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("sensor_read, ", ""))
    ran = command("run", "demo:demo_add", "1", "2", folder=tmp_path)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith(
        f"{EDITED}build/llext/demo.llext: error[L020]: llext_load() of 'demo' returns -61 "
        "(ENODATA): Undefined symbol with no entry in symbol table sensor_read, offset"
    )


def test_pointers_are_passed(tmp_path: Path) -> None:
    """Texts, bytes, buffers that are shown afterwards, and addresses of symbols."""
    words = (
        *("demo:demo_first", "text=a:b=c", "demo:demo_first", "bytes=f00f"),
        *("demo:demo_fill", "buffer=18", "demo:demo_first", "symbol=counter"),
    )
    ran = command("run", *words, folder=built(tmp_path))
    start, _, shown = ran.out.partition("demo:demo_fill buffer=18 = ")
    assert start == (
        "demo:demo_first text=a:b=c = 97 (0x61)\ndemo:demo_first bytes=f00f = 240 (0xf0)\n"
    )
    assert shown.split("\n", 1)[1] == (
        "  buffer=18:\n"
        "    0000  2a 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  *...............\n"
        "    0010  00 00                                            ..\n"
        "demo:demo_first symbol=counter = 5 (0x5)\n"
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ("demo:demo_first", "symbol=count"),
            (
                "build/llext/demo.llext: error[X009]: extension 'demo' has no symbol 'count', it "
                "has: '__veneer_sensor_read', 'counter', 'demo_add', 'demo_count', 'demo_fill', "
                "'demo_first', 'demo_run'\n"
                "hint: did you mean 'counter'?\n1 error\n"
            ),
        ),
        (
            ("demo:demo_fill", "buffer=70000"),
            (
                "command line: error[X010]: 70000 bytes of 'demo:demo_fill' have no room, there "
                "are 65536 for all arguments\n1 error\n"
            ),
        ),
    ],
)
def test_arguments_that_are_not_there_are_refused(
    words: tuple[str, ...], text: str, tmp_path: Path
) -> None:
    """Before the function is called."""
    assert command("run", *words, folder=built(tmp_path)) == (1, "", text)


def test_json_has_registers_memory_and_what_was_touched(tmp_path: Path) -> None:
    """Of the data, four bytes; the code and its constant are in one region."""
    words = ("demo:demo_count", "demo:demo_fill", "buffer=2", "demo:demo_first", "0x70000000")
    ran = command("run", "--json", *words, folder=built(tmp_path, "prelocated"))
    document = json.loads(ran.out)
    jsonschema.validate(document, json.loads(schema_text("llext-report.schema.json")))
    count, fill, first = document["result"]["calls"]
    assert count["touched"] == [
        {"image": "demo", "name": ".text", "read": 4, "written": 0},
        {"image": "demo", "name": ".data", "read": 4, "written": 4},
    ]
    assert (fill["arguments"], fill["buffers"]) == (["buffer=2"], ["2a00"])
    assert (first["returned"], first["registers"]["R0"]) == (False, 0x70000000)
    assert document["result"]["memory"][1] == {
        "image": "demo",
        "name": ".text",
        "address": 0x100000,
        "size": 40,
        "access": "rx",
    }


def test_a_fault_shows_registers_and_memory(tmp_path: Path) -> None:
    """Behind the finding; not with `-q`."""
    folder = built(tmp_path, "prelocated")
    ran = command("run", "demo:demo_first", "symbol=none", folder=folder)
    ran = command("run", "demo:demo_first", "0x70000000", folder=folder)
    assert ran.err == (
        "build/llext/demo.llext: error[X008]: 'demo:demo_first 1879048192' didn't return: "
        "'demo_first'+0x0 (demo) at 0x10001c reads memory that isn't there: 0x70000000\n1 error\n"
    )
    lines = ran.out.splitlines()
    assert lines[:2] == [
        "registers:",
        "  R0   0x70000000  R1   0x00000000  R2   0x00000000  R3   0x00000000",
    ]
    assert "  0x00100000-0x00100028 r-x demo: .text <- here" in lines
    assert command("run", "-q", "demo:demo_first", "0x70000000", folder=folder).out == ""


def test_a_function_of_a_hollow_base_image_says_who_called_it(tmp_path: Path) -> None:
    """X008: nothing stands in for it."""
    built(tmp_path, "prelocated")
    command("base", "export", "-o", "base.json", folder=tmp_path)
    words = ("--base", "base.json", "build/llext/demo.llext", "demo:demo_run", "3")
    ran = command("run", "-q", *words, folder=tmp_path)
    assert ran.err == (
        "build/llext/demo.llext: error[X008]: 'demo:demo_run 3' didn't return: 'sensor_read'+0x0 "
        "(base image) at 0x1000 is a function of the base image without code here, and nothing "
        "stands in for it, called from 'demo_run'+0x6 (demo)\n"
        "hint: write 'sensor_read' in Python, and name its file: --stand-ins FILE.py\n"
    )


def test_limits_of_a_call_can_be_set(tmp_path: Path) -> None:
    """`--max-instructions`; `--max-seconds` is for what no count ends."""
    words = ("run", "-q", "demo:demo_add", "--max-instructions", "1", "--max-seconds", "60")
    ran = command(*words, folder=built(tmp_path, "prelocated"))
    assert ran.err == (
        "build/llext/demo.llext: error[X008]: 'demo:demo_add' didn't return: 'demo_add'+0x0 (demo) "
        "at 0x100008 runs more instructions than the limit\n"
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        *(
            (("--max-seconds", each), "number of seconds up to 86400")
            for each in ("0", "nan", "inf")
        ),
        *(
            (("--max-instructions", each), "number from 1 to 2**64 - 1")
            for each in ("0", "0x0", "0M")
        ),
        (("--max-instructions", "0x1ffffffffffffffff"), "number from 0 to 2**64 - 1"),
    ],
)
def test_a_limit_that_bounds_nothing_is_refused(
    words: tuple[str, str], expected: str, tmp_path: Path
) -> None:
    """No instructions at all would be taken as no limit given."""
    ran = command("run", "demo:demo_add", *words, folder=tmp_path)
    message = f"error: argument {words[0]}: '{words[1]}' isn't a {expected}"
    assert ran.status == 2
    assert ran.err.rstrip().endswith(message), ran.err


BROKEN = {
    "def sensor_read(target, channel):\n    return channel / 0\n": (
        "own.py:2: error[X014]: the stand-in for 'sensor_read' fails: ZeroDivisionError: "
        "division by zero"
    ),
    "def sensor_read(target, channel):\n    return 'x'\n": (
        "stand-ins: error[X014]: the stand-in for 'sensor_read' fails: TypeError: it returned 'x', "
        "expected an integer or nothing"
    ),
    "def sensor_read(target, channel: 'float'):\n    pass\n": (
        "own.py: error[X013]: the file of stand-ins can't be used: TypeError: 'channel' of "
        "'sensor_read' is a 'float', expected one of: int, int32_t, int64_t, size_t, str, "
        "uint32_t, uint64_t, uintptr_t"
    ),
    "def sensor_read(target, channel) -> 'str':\n    pass\n": (
        "own.py: error[X013]: the file of stand-ins can't be used: TypeError: 'sensor_read' "
        "returns 'str', expected one of: None, int, int32_t, int64_t, size_t, uint32_t, uint64_t, "
        "uintptr_t, void"
    ),
    "def sensor_read(target):\n  x = = 1\n": (
        "own.py:2: error[X013]: the file of stand-ins can't be used: SyntaxError: invalid syntax"
    ),
    "def sensor_read(target, channel):\n    raise SystemExit(0)\n": (
        "own.py:2: error[X014]: the stand-in for 'sensor_read' fails: SystemExit: 0"
    ),
    "import sys\nsys.exit(0)\n": (
        "own.py:2: error[X013]: the file of stand-ins can't be used: SystemExit: 0"
    ),
    "class Odd(Exception):\n    def __str__(self):\n        raise self\nraise Odd\n": (
        "own.py:4: error[X013]: the file of stand-ins can't be used: Odd"
    ),
    "import nothing.of.the.kind\n": (
        "own.py:1: error[X013]: the file of stand-ins can't be used: ModuleNotFoundError: "
        "No module named 'nothing'"
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.items(), ids=range(len(BROKEN)))
def test_a_file_of_stand_ins_that_is_wrong_is_a_finding(
    text: str, message: str, tmp_path: Path
) -> None:
    """X013 for the file, X014 for what happens in a call; no traceback."""
    folder = built(tmp_path)
    (folder / "own.py").write_text(text, encoding="utf-8")
    ran = command("run", "-q", "demo:demo_run", "--stand-ins", "own.py", folder=folder)
    assert ran == (1, "", f"{message}\n")


def test_the_manifest_can_name_stand_ins(tmp_path: Path) -> None:
    """`run.stand-ins` and `run.replace`; the command line adds to them."""
    folder = built(tmp_path)
    with (folder / "llext.yml").open("a", encoding="utf-8") as file:
        file.write("run: {stand-ins: [own.py], replace: [memcpy]}\n")
    assert command("run", "demo:demo_run", "1", folder=folder).out == (
        "channel 1, call 1\ndemo:demo_run 1 = 1001 (0x3e9)\n"
    )
    other = "def sensor_read(target, channel: 'int32_t') -> 'int32_t':\n    return channel * 2\n"
    (folder / "other.py").write_text(other, encoding="utf-8")
    ran = command("run", "demo:demo_run", "-4", "--stand-ins", "other.py", folder=folder)
    assert ran.out == "demo:demo_run -4 = 4294967288 (0xfffffff8, -8)\n"


def test_a_blob_for_another_base_image_is_refused(tmp_path: Path) -> None:
    """I001: the target wouldn't ask, and would call something else."""
    folder = built(tmp_path)
    runnable(folder)
    data = (folder / "base.elf").read_bytes()
    moved = data.replace((0x1001).to_bytes(4, "little"), (0x1041).to_bytes(4, "little"))
    (folder / "base.elf").write_bytes(moved)
    ran = command("run", "-q", "demo:demo_add", folder=folder)
    assert ran == (
        1,
        "",
        (
            "build/llext/demo.llext: error[I001]: 'sensor_read' moved from 0x1001 to 0x1041 in "
            "'base.elf'\nhint: build the extension again, against this base image\n"
        ),
    )


def test_nothing_to_run_is_said(tmp_path: Path) -> None:
    """X010, an error of usage."""
    built(tmp_path)
    ran = command("run", "-q", "--base", "base.elf", folder=tmp_path)
    assert ran == (
        2,
        "",
        (
            "command line: error[X010]: there is nothing to run, expected a call or a blob\n"
            "hint: for instance: west-llext run filters:filters_run 3 text=low\n"
        ),
    )


def arrays(folder: Path, constructor: str, mode: str) -> None:
    """A project whose extension has a constructor and a destructor, by these names of symbols."""
    runnable(folder, mode=mode)
    code = bytes.fromhex(
        "0149 0a20 0860 7047"  # start: ldr r1, [pc, #4]; movs r0, #10; str r0, [r1]; bx lr
        "00000000"  # .word counter
        "0149 4d20 0860 7047 00000000"  # end: the same with 77
        "0148 0068 7047 00bf 00000000"  # demo_run: ldr r0, [pc, #4]; ldr r0, [r0]; bx lr
    )
    relocations = [Rel(offset=at, type=ABS32, symbol="counter") for at in (8, 20, 32)]
    flags = SHF_ALLOC | 1
    text = Sec(
        name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=code, align=4,
        relocations=relocations,
    )  # fmt: skip
    rows = [(".init_array", 14, constructor), (".fini_array", 15, "end")]
    tables = [
        Sec(name=name, type=kind, flags=flags, content=bytes(4), align=4, entsize=4,
            relocations=[Rel(offset=0, type=ABS32, symbol=symbol)])
        for name, kind, symbol in rows
    ]  # fmt: skip
    data = Sec(name=".data", flags=flags, content=bytes(4), align=4)
    symbols = [
        Sym(name="start", value=1, size=8, type=FUNC, section=".text"),
        Sym(name="end", value=13, size=8, type=FUNC, section=".text"),
        Sym(name="demo_run", value=25, size=8, type=FUNC, section=".text"),
        Sym(name="counter", value=0, size=4, type=1, section=".data"),
    ]
    unit = elf(sections=[text, data, *tables], symbols=symbols)
    (folder / "demo.o").write_bytes(unit)
    manifest = folder / "llext.yml"
    wanted = manifest.read_text(encoding="utf-8").replace(
        "[demo_run, demo_add, demo_count, demo_first, demo_fill]", "[demo_run, counter]"
    )
    manifest.write_text(wanted, encoding="utf-8")
    ran = command("build", "-q", folder=folder)
    assert ran.status == 0, ran.err


@MODES
def test_constructors_come_first_and_destructors_last(mode: str, tmp_path: Path) -> None:
    """llext_bringup() and, where it is asked for, llext_teardown()."""
    arrays(tmp_path, "start", mode)
    ran = command("run", "--json", "demo:demo_run", "--teardown", folder=tmp_path)
    assert [(each["function"], each["value"]) for each in json.loads(ran.out)["result"]["calls"]][
        1:2
    ] == [("demo_run", 10)]
    assert [each["function"] for each in json.loads(ran.out)["result"]["calls"]] == [
        "constructor 1",
        "demo_run",
        "destructor 1",
    ]


@MODES
def test_a_constructor_outside_of_the_code_is_refused_as_on_the_target(
    mode: str, tmp_path: Path
) -> None:
    """X012: -EFAULT, with the loader's line."""
    arrays(tmp_path, "counter", mode)
    ran = command("run", "-q", "demo:demo_run", folder=tmp_path)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith(
        "build/llext/demo.llext: error[X012]: llext_bringup() of 'demo' returns -14 (EFAULT): "
        "bringup function 0 (0x"
    )
    assert ") outside text region\n" in ran.err


def test_what_runs_without_a_build_after_an_edit_is_said(tmp_path: Path) -> None:
    """X015, a note, for an object and for the manifest, once; and not for the base image."""
    built(tmp_path)
    words = ("run", "demo:demo_add", "1", "2")
    result = "demo:demo_add 1 2 = 3 (0x3)\n"
    base = tmp_path / "base.elf"
    base.write_bytes(base.read_bytes() + b"more")
    assert command(*words, folder=tmp_path) == (0, result, "")
    unit = tmp_path / "demo.o"
    unit.write_bytes(unit.read_bytes() + b"more")
    said = EDITED.replace("llext.yml", "demo.o") + "1 note\n"
    assert command(*words, folder=tmp_path) == (0, result, said)
    manifest = tmp_path / "llext.yml"
    manifest.write_text(manifest.read_text(encoding="utf-8") + "# more\n", encoding="utf-8")
    assert command(*words, folder=tmp_path).err.count("X015") == 1
    assert command("build", "-q", folder=tmp_path).status == 0
    assert command(*words, folder=tmp_path) == (0, result, "")
    (tmp_path / "build" / "llext" / ".west-llext" / "state.txt").unlink()
    unit.write_bytes(unit.read_bytes() + b"more")
    assert command(*words, folder=tmp_path) == (0, result, "")


@pytest.mark.cross
def test_an_edited_header_is_newer_than_what_runs(tmp_path: Path) -> None:
    """X015, by what the compiler has read; objects that are gone say nothing."""
    project(tmp_path, mode="relocatable")
    (tmp_path / "demo.o").unlink()
    (tmp_path / "demo.h").write_text("#define MORE 1\n", encoding="utf-8")
    source = '#include "demo.h"\nint demo_run(int x) { return x + MORE; }\n'
    (tmp_path / "demo.c").write_text(source, encoding="utf-8")
    manifest = tmp_path / "llext.yml"
    text = manifest.read_text(encoding="utf-8").replace("objects: [demo.o]", "sources: [demo.c]")
    flags = "  toolchain: {cc: arm-none-eabi-gcc, cflags: [-mcpu=cortex-m3, -mthumb]}\n"
    text = text.replace("  exports:\n", f"{flags}  exports:\n", 1)
    manifest.write_text(text, encoding="utf-8")
    settled(tmp_path)
    assert command("build", "-q", folder=tmp_path).status == 0
    words = ("run", "demo:demo_run", "2")
    assert command(*words, folder=tmp_path) == (0, "demo:demo_run 2 = 3 (0x3)\n", "")
    (tmp_path / "demo.h").write_text("#define MORE 20\n", encoding="utf-8")
    said = EDITED.replace("llext.yml", "demo.h") + "1 note\n"
    assert command(*words, folder=tmp_path) == (0, "demo:demo_run 2 = 3 (0x3)\n", said)
    assert command("build", "-q", folder=tmp_path).status == 0
    shutil.rmtree(tmp_path / "build" / "llext" / "obj")
    assert command(*words, folder=tmp_path) == (0, "demo:demo_run 2 = 22 (0x16)\n", "")


@pytest.mark.cross
def test_a_fresh_checkout_beside_blobs_from_elsewhere_is_no_edit(tmp_path: Path) -> None:
    """All times are others then, as where one job builds and another one tests."""
    project(tmp_path, mode="relocatable")
    for name in ("demo", "more"):
        source = f"int {name}_run(int x) {{ return x + 1; }}\n"
        (tmp_path / f"{name}.c").write_text(source, encoding="utf-8")
    manifest = tmp_path / "llext.yml"
    text = manifest.read_text(encoding="utf-8")
    text = text.replace("objects: [demo.o]", "sources: [demo.c, more.c]")
    flags = "  toolchain: {cc: arm-none-eabi-gcc, cflags: [-mcpu=cortex-m3, -mthumb]}\n"
    text = text.replace("  exports:\n", f"{flags}  exports:\n", 1)
    manifest.write_text(text, encoding="utf-8")
    settled(tmp_path)
    assert command("build", "-q", folder=tmp_path).status == 0
    for name in ("demo.c", "more.c", "llext.yml"):
        os.utime(tmp_path / name, ns=(10**18, 10**18))
    words = ("run", "demo:demo_run", "2")
    assert command(*words, folder=tmp_path) == (0, "demo:demo_run 2 = 3 (0x3)\n", "")
    with (tmp_path / "more.c").open("a", encoding="utf-8") as file:
        file.write("/* more */\n")
    assert command(*words, folder=tmp_path).err.startswith("more.c: note[X015]: ")
    (tmp_path / "more.c").unlink()
    assert command(*words, folder=tmp_path) == (0, "demo:demo_run 2 = 3 (0x3)\n", "")


def test_a_call_says_which_extension_is_meant(tmp_path: Path) -> None:
    """`-e` is for runs without calls."""
    built(tmp_path)
    manifest = tmp_path / "llext.yml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(f"{text}  - {{name: other, objects: [demo.o]}}\n", encoding="utf-8")
    assert command("build", "-q", folder=tmp_path).status == 0
    ran = command("run", "-e", "other", "demo:demo_add", "1", "2", folder=tmp_path)
    assert ran == (0, "demo:demo_add 1 2 = 3 (0x3)\n", "")
