# SPDX-License-Identifier: Apache-2.0
"""Builds: what runs, what is said of failures, and what is left when they are stopped."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.compiling import COMPILERS, Project, available, defined, extension, nobody_waits

from west_llext.diagnostics import MissingError
from west_llext.emit.files import put
from west_llext.model.manifest import Extension
from west_llext.toolchain import process
from west_llext.toolchain.lock import locked
from west_llext.toolchain.ninja import Host
from west_llext.toolchain.plan import Request, plan
from west_llext.toolchain.run import Progress, run
from west_llext.toolchain.state import up_to_date
from west_llext.toolchain.zig import cache_folder

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

NOWHERE = Path("/no/such/ninja")


def aged(project: Project) -> None:
    """Make every file of the project old enough to be trusted."""
    before = time.time() - 60
    for path in project.root.rglob("*"):
        if path.is_file() and project.folder not in path.parents:
            os.utime(path, (before, before))


def gcc_project(folder: Path, *cflags: str) -> Project:
    """A project for gcc."""
    return Project(folder, available("arm-none-eabi-gcc"), *cflags)


@pytest.mark.cross
def test_nothing_runs_where_nothing_changed(tmp_path: Path) -> None:
    """Not even ninja."""
    project = gcc_project(tmp_path)
    project.write("a.h", "#define A 1\n")
    one = extension(sources=[project.write("a.c", '#include "a.h"\nint a = A;\n')])
    aged(project)
    assert len(project.run(one).ran) == 1
    assert project.run(one, ninja=NOWHERE).ran == ()
    assert up_to_date(project.plan(one))


@pytest.mark.parametrize("cc", COMPILERS)
def test_a_header_that_the_build_brings_makes_nothing_run_again(cc: str, tmp_path: Path) -> None:
    """It is written right before it is read, as no header of a project may be."""
    project = Project(tmp_path, available(cc))
    one = extension(sources=[project.write("a.cpp", "struct S { ~S(); }; S::~S() {} S it;\n")])
    aged(project)
    assert len(project.run(one).ran) == 1
    assert project.run(one, ninja=NOWHERE).ran == ()
    assert up_to_date(project.plan(one))


@pytest.mark.cross
@pytest.mark.parametrize("name", ["a.c", "a.h", "../outside.h"])
def test_whatever_a_compiler_has_read_makes_it_run_again(name: str, tmp_path: Path) -> None:
    """Sources and headers, also those outside of the project."""
    project = gcc_project(tmp_path / "project")
    project.write("../outside.h", "#define OUTSIDE 1\n")
    project.write("a.h", '#include "../outside.h"\n')
    one = extension(sources=[project.write("a.c", '#include "a.h"\nint a = OUTSIDE;\n')])
    aged(project)
    os.utime(tmp_path / "outside.h", (1, 1))
    project.run(one)
    assert up_to_date(project.plan(one))
    (project.root / name).write_text("int changed;\n" + (project.root / name).read_text())
    assert not up_to_date(project.plan(one))
    assert "changed" in defined(project.object(one))


@pytest.mark.cross
def test_a_flag_makes_only_its_own_sources_run_again(tmp_path: Path) -> None:
    """Ninja knows each command."""
    project = gcc_project(tmp_path)
    one = extension("one", sources=[project.write("a.c", "int a;\n")])
    two = extension("two", sources=[project.write("b.c", "int b;\n")])
    assert len(project.run(one, two).ran) == 2
    changed = extension("two", sources=two.sources, cflags=["-O1"])
    outcome = project.run(one, changed)
    assert [each.step.subject for each in outcome.ran] == ["b.c"]


@pytest.mark.cross
def test_a_deleted_object_is_made_again(tmp_path: Path) -> None:
    """As after `rm`."""
    project = gcc_project(tmp_path)
    one = extension(sources=[project.write("a.c", "int a;\n")])
    project.run(one)
    project.plan(one).objects["one"].unlink()
    assert "a" in defined(project.object(one))


def test_prebuilt_objects_start_nothing(tmp_path: Path) -> None:
    """They need no compiler, and no ninja."""
    project = Project(tmp_path, "no-such-compiler")
    request = Request(
        root=project.root,
        folder=project.folder,
        extensions=(extension(objects=[project.ref("a.o")]),),
        compiler=None,
        host=Host.POSIX,
        python="",
    )
    with locked(project.folder, waiting=nobody_waits) as lock:
        outcome = run(plan(request), lock=lock, environment={}, put=put, ninja=NOWHERE)
    assert outcome.ran == ()


@pytest.mark.cross
def test_every_failure_of_every_source_is_reported_in_order(tmp_path: Path) -> None:
    """-k 0: what doesn't depend on a failed command still runs; warnings come along."""
    project = gcc_project(tmp_path)
    sources = [
        project.write("src/a.c", "int a(void) { return 1 }\nint b = nix;\n"),
        project.write("src/b.c", "int c(int x) { int unused; return x; }\n"),
        project.write("src/c.c", '#include "none.h"\n'),
        project.write("src/d.s", "foo r1\n"),
    ]
    outcome = project.run(extension(sources=sources, cflags=["-Wall"]))
    assert "\n".join(str(each) for each in outcome.diagnostics) == (
        "src/a.c:1:23: error[T010]: expected ';' before '}' token\n"
        "src/a.c:2:9: error[T010]: 'nix' undeclared here (not in a function)\n"
        "src/b.c:1:20: warning[T011]: unused variable 'unused' [-Wunused-variable]\n"
        "src/c.c:1:10: error[T010]: none.h: No such file or directory\n"
        "hint: add the folder that has 'none.h' in it to 'include-dirs'\n"
        "src/d.s:1: error[T010]: bad instruction `foo r1'"
    )
    failed = [(each.step.subject, each.failed) for each in outcome.ran]
    assert failed == [("src/a.c", True), ("src/b.c", False), ("src/c.c", True), ("src/d.s", True)]
    assert "    1 | int a(void) { return 1 }" in outcome.ran[0].output


@pytest.mark.zig
def test_failures_of_zig_are_reported_as_well(tmp_path: Path) -> None:
    """The same shape, other words."""
    project = Project(tmp_path, available("zig"))
    outcome = project.run(
        extension(sources=[project.write("a.c", "int a(void) { return nix; }\n")])
    )
    assert [str(each) for each in outcome.diagnostics] == [
        "a.c:1:22: error[T010]: use of undeclared identifier 'nix'"
    ]


@pytest.mark.parametrize("cc", COMPILERS)
def test_a_symbol_that_is_defined_twice_is_reported_by_the_merge(cc: str, tmp_path: Path) -> None:
    """Only there both are seen."""
    project = Project(tmp_path, available(cc))
    sources = [project.write(name, "int twice(void) { return 1; }\n") for name in ("a.c", "b.c")]
    outcome = project.run(extension(sources=sources))
    (text,) = [str(each) for each in outcome.diagnostics]
    assert re.match(r"one: error\[T013\]: merging 'one' failed: .*twice", text)
    assert "a.c" in text
    assert "b.c" in text


@pytest.mark.cross
def test_a_missing_source_is_named_before_anything_runs(tmp_path: Path) -> None:
    """All of them."""
    project = gcc_project(tmp_path)
    sources = [project.ref("a.c"), project.write("b.c", ""), project.ref("c.c")]
    outcome = project.run(extension(sources=sources))
    assert [str(each) for each in outcome.diagnostics] == [
        f"west-llext: error[T016]: file '{name}' doesn't exist\n"
        "hint: create it, or remove it from the manifest"
        for name in ("a.c", "c.c")
    ]
    assert outcome.ran == ()


@pytest.mark.cross
def test_errors_in_inline_assembler_are_at_the_source(tmp_path: Path) -> None:
    """GNU as names a file that gcc has removed again."""
    project = gcc_project(tmp_path)
    source = project.write("src/a.c", 'void a(void) { __asm__("foo r1"); }\n')
    outcome = project.run(extension(sources=[source]))
    assert "".join(str(each) for each in outcome.diagnostics) == (
        "src/a.c: error[T010]: bad instruction `foo r1' (in the assembly that the compiler has "
        "made of it)"
    )


@pytest.mark.cross
def test_a_folder_is_no_source(tmp_path: Path) -> None:
    """It is there, so "doesn't exist" would send one looking in the wrong place."""
    project = gcc_project(tmp_path)
    (tmp_path / "part.o").mkdir()
    source = project.write("a.c", "")
    outcome = project.run(extension(sources=[source], objects=[project.ref("part.o")]))
    assert [str(each) for each in outcome.diagnostics] == [
        "west-llext: error[T016]: 'part.o' is no file\nhint: list the files in it"
    ]


@pytest.mark.cross
def test_a_failed_build_isnt_taken_for_one_that_went_through(tmp_path: Path) -> None:
    """The record of the last good one is gone before the first command runs."""
    project = gcc_project(tmp_path)
    one = extension(sources=[project.write("a.c", "int a;\n")])
    aged(project)
    project.run(one)
    project.write("a.c", "int a\n")
    for _ in range(2):
        assert [each.code for each in project.run(one).diagnostics] == ["T010"]
        assert not up_to_date(project.plan(one))


@POSIX
@pytest.mark.cross
def test_ninjas_own_failure_is_reported(tmp_path: Path) -> None:
    """A full disk, a log that it can't read: no command has failed."""
    project = gcc_project(tmp_path)
    one = extension(sources=[project.write("a.c", "int a;\n")])
    ninja = tmp_path / "ninja"
    ninja.write_text(
        "#!/bin/sh\necho 'ninja: warning: bad log'\n"
        "echo 'ninja: error: writing to build log: No space left'\nexit 1\n"
    )
    ninja.chmod(0o755)
    (found,) = project.run(one, ninja=ninja).diagnostics
    assert str(found) == (
        "build/obj/build.ninja: error[T014]: ninja failed: writing to build log: No space left\n"
        "hint: delete the folder 'build/obj' and build again"
    )


def test_no_ninja_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package comes with the tool; somebody may have removed it."""
    monkeypatch.setattr(process, "_packaged_ninja", lambda: None)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(MissingError) as caught:
        process.ninja_program("/nowhere")
    assert str(caught.value) == (
        "west-llext: error[T004]: no ninja found: looked for the Python package 'ninja' and on "
        "PATH\nhint: run 'pip install ninja'"
    )


@pytest.mark.cross
def test_progress_counts_what_was_necessary(tmp_path: Path) -> None:
    """Each command once, the merge last."""
    project = gcc_project(tmp_path)
    seen: list[Progress] = []
    sources = [project.write(name, "") for name in ("a.c", "b.c")]
    project.run(extension(sources=sources), progress=seen.append)
    assert [(each.done, each.total) for each in seen] == [(1, 3), (2, 3), (3, 3)]
    assert seen[-1].step.subject == "one"


@pytest.mark.cross
def test_a_source_of_two_extensions_is_reported_once(tmp_path: Path) -> None:
    """It is compiled for each, with flags of their own; where both say the same, once is enough."""
    project = gcc_project(tmp_path)
    source = project.write("a.c", "#ifdef TWO\nint a = two;\n#endif\nint b = nix;\n")
    both = [
        extension("one", sources=[source]),
        extension("two", sources=[source], cflags=["-DTWO"]),
    ]
    outcome = project.run(*both)
    assert [str(each) for each in outcome.diagnostics] == [
        "a.c:4:9: error[T010]: 'nix' undeclared here (not in a function)",
        "a.c:2:9: error[T010]: 'two' undeclared here (not in a function)",
    ]
    assert [each.failed for each in outcome.ran] == [True, True]


@pytest.mark.cross
def test_the_environment_decides_nothing(tmp_path: Path) -> None:
    """CPATH would be an include folder that no record knows of; LC_ALL would translate messages."""
    project = gcc_project(tmp_path)
    project.write("hidden/hidden.h", "")
    one = extension(sources=[project.write("a.c", "#include <hidden.h>\n")])
    environment = {**os.environ, "CPATH": str(project.root / "hidden"), "LC_ALL": "de_DE.UTF-8"}
    assert [str(each) for each in project.run(one, environment=environment).diagnostics] == [
        (
            "a.c:1:10: error[T010]: hidden.h: No such file or directory\n"
            "hint: add the folder that has 'hidden.h' in it to 'include-dirs'"
        )
    ]


@pytest.mark.zig
def test_zig_runs_for_users_without_a_home(tmp_path: Path) -> None:
    """In a container; it would stop without a place for its cache."""
    project = Project(tmp_path, available("zig"))
    one = extension(sources=[project.write("a.c", "int a;\n")])
    assert project.run(one, environment={"PATH": os.environ["PATH"]}).diagnostics == ()


def test_zig_keeps_its_cache_where_it_can_write(tmp_path: Path) -> None:
    """Its own place, if there is one; the order is zig's."""
    instead = tmp_path / "instead"
    home = str(tmp_path)
    assert cache_folder({}, instead) == instead
    assert cache_folder({"HOME": home}, instead) == tmp_path / ".cache" / "zig"
    expected = tmp_path / "cache" / "zig"
    assert cache_folder({"HOME": "/", "XDG_CACHE_HOME": f"{home}/cache"}, instead) == expected
    given = {"ZIG_GLOBAL_CACHE_DIR": "/given", "HOME": home}
    assert cache_folder(given, instead) == Path("/given")


@contextlib.contextmanager
def ordinary_user() -> Iterator[int]:
    """Whom os.access() answers for, by number; root, who can write anywhere, becomes another."""
    if os.geteuid() != 0:
        yield os.geteuid()
        return
    other = 1000
    try:
        os.setreuid(other, -1)  # access(2) goes by the real user, everything else by the effective
    except OSError:
        pytest.skip("root can't become anybody else here")
    try:
        yield other
    finally:
        os.setreuid(0, -1)


@POSIX
@pytest.mark.parametrize(("mode", "own"), [(0o700, True), (0o500, False)])
def test_zig_keeps_its_cache_elsewhere_where_home_is_read_only(mode: int, own: bool) -> None:  # noqa: FBT001
    """As of users that exist only in a container."""
    with tempfile.TemporaryDirectory() as folder, ordinary_user() as user:
        top, home = Path(folder), Path(folder, "home")
        home.mkdir()
        os.chown(home, user, -1)
        home.chmod(mode)
        top.chmod(0o755)
        expected = home / ".cache" / "zig" if own else top
        assert cache_folder({"HOME": str(home)}, top) == expected


RECORDING_LAUNCHER = """
import json, os, subprocess, sys, time
start = time.time()
if len(sys.argv) > 2 and sys.argv[1] == "--sleep":
    time.sleep(float(sys.argv[2]))
    del sys.argv[1:3]
status = subprocess.call(sys.argv[1:])
with open(os.path.join(os.environ["RECORDS"], f"{os.getpid()}.json"), "w") as file:
    json.dump({"words": sys.argv[1:], "cwd": os.getcwd(), "at": [start, time.time()]}, file)
sys.exit(status)
"""


@pytest.mark.parametrize("cc", COMPILERS)
def test_a_launcher_starts_every_compilation_with_relative_paths(cc: str, tmp_path: Path) -> None:
    """In the manifest's folder, one source each; so that a cache finds it again elsewhere."""
    records = tmp_path / "records"
    records.mkdir()
    (tmp_path / "launcher.py").write_text(RECORDING_LAUNCHER)
    launcher = (sys.executable, str(tmp_path / "launcher.py"))
    project = Project(tmp_path / "project", available(cc), launcher=launcher)
    sources = [project.write(name, f"int {name[4]};\n") for name in ("src/a.c", "src/b.c")]
    one = extension(sources=sources, include_dirs=[project.ref("include")])
    environment = {**os.environ, "RECORDS": str(records)}
    assert [str(each) for each in project.run(one, environment=environment).diagnostics] == []
    found = [json.loads(each.read_text()) for each in records.iterdir()]
    assert len(found) == 2
    assert {each["cwd"] for each in found} == {str(project.root)}
    root = str(project.root)
    for each in found:
        assert [word for word in each["words"][1:] if root in word] == [
            f"-ffile-prefix-map={root}=."
        ]


MAKEFILE = """
all:
\t+@$(PYTHON) -c '$(SCRIPT)'
"""

SCRIPT = (
    'import os, sys; sys.path[:0] = [os.environ["REPO"], os.environ["REPO"] + "/tests"]; '
    "from pathlib import Path; "
    "from support.compiling import Project, extension; "
    'launcher = (sys.executable, os.environ["LAUNCHER"], "--sleep", "0.15"); '
    'project = Project(Path(os.environ["ROOT"]), "arm-none-eabi-gcc", launcher=launcher); '
    'sources = [project.ref(f"s{n}.c") for n in range(6)]; '
    "outcome = project.run(extension(sources=sources)); "
    "assert not outcome.diagnostics, outcome.diagnostics"
)


def sleepers(folder: Path) -> tuple[Project, Extension]:
    """Six sources whose launcher sleeps, and says when."""
    version = subprocess.run(
        [process.ninja_program(""), "--version"], capture_output=True, text=True, check=True
    ).stdout
    if "jobserver" not in version:
        pytest.skip("this ninja knows no jobserver")
    (folder / "launcher.py").write_text(RECORDING_LAUNCHER)
    (folder / "records").mkdir()
    launcher = (sys.executable, str(folder / "launcher.py"), "--sleep", "0.15")
    cc = available("arm-none-eabi-gcc")
    project = Project(folder / "project", cc, launcher=launcher)
    names = [f"s{number}.c" for number in range(6)]
    sources = [project.write(name, f"int {name[:2]};\n") for name in names]
    return project, extension(sources=sources)


def most_at_once(records: Path) -> int:
    """How many commands ran at the same time, of six."""
    spans = [json.loads(each.read_text())["at"] for each in records.iterdir()]
    assert len(spans) == 6
    return max(sum(begin <= start < end for begin, end in spans) for start, _ in spans)


@POSIX
@pytest.mark.cross
def test_a_pipe_of_make_decides_how_many_commands_run(tmp_path: Path) -> None:
    """Of `make -j2` two at a time, though ninja alone would take at least three."""
    make = shutil.which("make")
    if make is None:
        pytest.skip("make isn't installed")
    project, _ = sleepers(tmp_path)
    (tmp_path / "Makefile").write_text(MAKEFILE)
    environment = {
        **os.environ,
        "REPO": str(Path(__file__).parents[2]),
        "ROOT": str(project.root),
        "RECORDS": str(tmp_path / "records"),
        "LAUNCHER": str(tmp_path / "launcher.py"),
    }
    environment.pop("MAKEFLAGS", None)
    subprocess.run(
        [make, "-j2", f"PYTHON={sys.executable}", f"SCRIPT={SCRIPT}"],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
    )
    assert most_at_once(tmp_path / "records") == 2


@POSIX
@pytest.mark.cross
def test_a_named_pipe_of_make_decides_how_many_commands_run(tmp_path: Path) -> None:
    """GNU make 4.4: the pipe holds a token for each job beyond the first."""
    project, one = sleepers(tmp_path)
    pipe = tmp_path / "tokens"
    os.mkfifo(pipe)
    descriptor = os.open(pipe, os.O_RDWR)
    try:
        os.write(descriptor, b"+")
        makeflags = f" -j2 --jobserver-auth=fifo:{pipe}"
        records = str(tmp_path / "records")
        project.run(one, environment={**os.environ, "MAKEFLAGS": makeflags, "RECORDS": records})
    finally:
        os.close(descriptor)
    assert most_at_once(tmp_path / "records") == 2


BUILDER = """
import os, sys
sys.path[:0] = [os.environ["REPO"], os.environ["REPO"] + "/tests"]
from pathlib import Path
from support.compiling import Project, extension
project = Project(Path(sys.argv[1]), sys.argv[2])
sources = [project.ref(f"s{n}.c") for n in range(8)]
print("started", flush=True)
from west_llext.emit.files import put
from west_llext.toolchain.lock import locked
from west_llext.toolchain.run import run
one = extension(sources=sources)
with locked(project.folder, waiting=lambda: print("waiting", flush=True)) as lock:
    outcome = run(project.plan(one), lock=lock, environment=os.environ, put=put)
    print("\\n".join(str(each) for each in outcome.diagnostics))
"""


def builder(project: Project) -> subprocess.Popen[bytes]:
    """A build of eight sources in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(project.root), project.toolchain.cc or ""],
        env={**os.environ, "REPO": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def eight(project: Project, value: int) -> Extension:
    """Eight sources that a compiler is busy with for a while."""
    body = "".join(f"int f{{0}}_{n}(int a) {{{{ return a * {n + value}; }}}}\n" for n in range(30))
    return extension(
        sources=[project.write(f"s{number}.c", body.format(number)) for number in range(8)]
    )


@POSIX
@pytest.mark.cross
def test_builds_that_are_killed_at_any_moment_leave_nothing_wrong(tmp_path: Path) -> None:
    """The next build gives what one in a clean folder gives; the killed one, or its whole group."""
    killed, clean = gcc_project(tmp_path / "killed"), gcc_project(tmp_path / "clean")
    for turn in range(6):
        one = eight(killed, turn)
        process_ = builder(killed)
        assert process_.stdout is not None
        process_.stdout.readline()
        time.sleep(0.03 * turn)
        if turn % 2:
            process_.kill()
        else:
            os.killpg(process_.pid, signal.SIGKILL)
        process_.wait()
        process_.stdout.close()
        eight(killed, turn + 100)
    one = eight(killed, 1000)
    with locked(killed.folder, waiting=lambda: None):
        pass
    merged = killed.object(one).data
    assert merged == clean.object(eight(clean, 1000)).data


@POSIX
@pytest.mark.cross
def test_two_builds_at_once_wait_for_each_other(tmp_path: Path) -> None:
    """Both succeed, and the objects are whole."""
    project = gcc_project(tmp_path / "both")
    one = eight(project, 0)
    both = [builder(project), builder(project)]
    outputs = [each.communicate()[0].decode().split("\n") for each in both]
    assert [each.returncode for each in both] == [0, 0]
    assert {line for lines in outputs for line in lines} <= {"started", "waiting", ""}
    clean = gcc_project(tmp_path / "clean")
    assert project.object(one).data == clean.object(eight(clean, 0)).data


SLOW_COMPILER = """#!{python}
import os, sys, time
output = sys.argv[sys.argv.index("-o") + 1]
open({marker!r}, "w").close()
open(output, "w").write("half")
time.sleep(1.0)
open(output, "w").write("whole")
"""


def slow_project(folder: Path) -> tuple[Project, Path]:
    """A project whose compiler takes a second, and the file that says that it has begun."""
    folder.mkdir()
    marker = folder / "begun"
    program = folder / "slow-gcc"
    program.write_text(SLOW_COMPILER.format(python=sys.executable, marker=str(marker)))
    program.chmod(0o755)
    project = Project(folder, str(program))
    for number in range(8):
        project.write(f"s{number}.c", "")
    return project, marker


def wait_for(path: Path) -> None:
    """Until a file is there."""
    limit = time.time() + 10
    while not path.exists():
        assert time.time() < limit
        time.sleep(0.01)


@POSIX
def test_compilers_that_outlive_a_killed_build_are_waited_for(tmp_path: Path) -> None:
    """They would write into the objects of the next one."""
    project, marker = slow_project(tmp_path / "slow")
    process_ = builder(project)
    wait_for(marker)
    os.killpg(process_.pid, signal.SIGKILL)
    process_.communicate()
    told = []
    with locked(project.folder, waiting=lambda: told.append(1)) as lock:
        assert told == [1]
        assert lock.interrupted
        texts = {each.read_text() for each in project.folder.rglob("*.o")}
    assert texts == {"whole"}


@POSIX
def test_an_interrupted_build_stops_its_compilers_and_deletes_half_objects(tmp_path: Path) -> None:
    """As Ctrl-C in a terminal, which every process of the group gets, or as to this one alone."""
    for number, group in enumerate((True, False)):
        project, marker = slow_project(tmp_path / f"slow{number}")
        process_ = builder(project)
        wait_for(marker)
        if group:
            os.killpg(process_.pid, signal.SIGINT)
        else:
            process_.send_signal(signal.SIGINT)
        process_.communicate()
        assert process_.returncode == -signal.SIGINT
        with locked(project.folder, waiting=nobody_waits) as lock:
            assert not lock.interrupted
        assert not list(project.folder.rglob("*.o"))


@POSIX
def test_what_a_killed_build_left_is_made_anew(tmp_path: Path) -> None:
    """Also an object that looks newer than everything it was made from."""
    project = gcc_project(tmp_path)
    sources = [project.write(name, f"int {name[0]};\n") for name in ("a.c", "b.c")]
    one = extension(sources=sources)
    aged(project)
    project.run(one)
    merged = project.plan(one).objects["one"]
    whole = merged.read_bytes()
    # as if the build had been killed while the merge was writing
    with locked(project.folder, waiting=nobody_waits) as lock:
        lock.note_running()
    merged.write_bytes(whole[:100])
    assert project.object(one).data == whole
