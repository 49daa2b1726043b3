# SPDX-License-Identifier: Apache-2.0
"""Exit status of every kind of end (DESIGN 7): 0 fine, 1 findings, 2 usage, 3 environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import ROOT, command, process
from support.project import base_elf, project

from west_llext import __version__
from west_llext.cli import arguments, main
from west_llext.cli.arguments import parsed
from west_llext.cli.verbs import build


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (0, ["--version"]),
        (0, ["--help"]),
        (0, ["build", "--help"]),
        (0, ["build"]),
        (0, ["check"]),
        (0, ["check", "llext.yml", "llext.yml"]),
        (0, ["exports"]),
        (0, ["info", "base.elf"]),
        (0, ["schema"]),
        (0, ["schema", "report"]),
        (0, ["init", "-o", "new.yml", "demo.o"]),
        (1, ["check", "-m", "bad.yml"]),
        (1, ["build", "-m", "bad.yml"]),
        (1, ["exports", "-m", "bad.yml"]),
        (1, ["info", "llext.yml"]),
        (1, ["init", "demo.o"]),
        (2, []),
        (2, ["nope"]),
        (2, ["build", "--nope"]),
        (2, ["build", "-j", "0"]),
        (2, ["build", "-j", "99999999999999999999"]),
        (2, ["build", "-m", ""]),
        (2, ["build", "-m", "\ud800"]),
        (2, ["build", "-d", "x" * 256]),
        (2, ["build", "-q", "-v"]),
        (2, ["build", "-e", "nope"]),
        (2, ["info"]),
        (2, ["run", "3"]),
        (3, ["build", "-m", "missing.yml"]),
        (3, ["check", "-m", "missing.yml"]),
        (3, ["check", "bad.yml", "missing.yml"]),
        (3, ["info", "missing.llext"]),
        (3, ["build", "-d", "missing"]),
        (3, ["init", "-o", "new.yml", "missing.o"]),
        (3, ["run", "demo:demo_run"]),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else str(each),
)
def test_status(expected: int, words: list[str], tmp_path: Path) -> None:
    """A row a case."""
    text = project(tmp_path, mode="prelocated").read_text(encoding="utf-8")
    (tmp_path / "bad.yml").write_text(text.replace("prelocated", "bond"), encoding="utf-8")
    assert command(*words, folder=tmp_path).status == expected


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_a_report_for_programs_has_the_same_status(form: str, tmp_path: Path) -> None:
    """And its failure is a document, too."""
    ran = command("check", "--format", form, "-m", "missing.yml", folder=tmp_path)
    assert ran.status == 3
    assert ran.err == ""
    assert "M010" in json.dumps(json.loads(ran.out))


def test_the_status_is_in_the_json_report(tmp_path: Path) -> None:
    """For those who only keep the report."""
    ran = command("build", "--json", "-m", "missing.yml", folder=tmp_path)
    assert json.loads(ran.out)["status"] == 3


def test_a_missing_manifest_is_named_with_a_way_out(tmp_path: Path) -> None:
    """The first thing that a newcomer sees."""
    ran = command("build", folder=tmp_path)
    expected = (
        ".: error[M010]: no 'llext.yml' here or in a folder above\n"
        "hint: name a manifest with '-m FILE', or make one with 'west-llext init'\n"
        "1 error\n"
    )
    assert ran == (3, "", expected)


def test_the_version_is_printed(tmp_path: Path) -> None:
    """To standard output, for scripts."""
    assert command("--version", folder=tmp_path) == (0, f"west-llext {__version__}\n", "")


def test_an_interrupt_is_130_and_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """128 and SIGINT, as shells have it."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "run", interrupted)
    assert command("build") == (130, "", "")
    monkeypatch.setattr(arguments, "parsed", interrupted)
    assert command("build") == (130, "", "")


def test_a_bug_shows_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can mend what is hidden."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(build, "run", broken)
    with pytest.raises(ZeroDivisionError):
        command("build")


@pytest.mark.skipif(os.name == "nt", reason="pipes end in another way there")
@pytest.mark.parametrize("words", [["schema"], ["check", "-m", "missing.yml"], ["--help"]])
def test_a_reader_that_leaves_is_no_error(words: list[str], tmp_path: Path) -> None:
    """`west-llext schema | head -1`: no traceback, whatever the size."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "west_llext", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif"])
def test_hints_name_the_command_as_it_was_called(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`west llext` is none outside of a workspace; in one, the script needn't be on PATH."""
    monkeypatch.chdir(tmp_path)
    words = ["build", "--format", form]
    for name, run in (
        ("west-llext", lambda: main.main(words)),
        ("west llext", lambda: main.execute(parsed(words), {})),
    ):
        assert run() == 3
        said = "".join(capsys.readouterr())
        assert f"or make one with '{name} init'" in said


@pytest.mark.skipif(os.name == "nt", reason="streams are closed by a shell")
@pytest.mark.parametrize(
    ("words", "status"), [("schema", 0), ("build", 3), ("build --oh", 2), ("info nothing", 3)]
)
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_a_stream_that_is_closed_stops_nothing(
    closed: str, words: str, status: int, tmp_path: Path
) -> None:
    """As a service manager may start it; nobody reads, and that is no error of ours."""
    line = f'"{sys.executable}" -m west_llext {words} {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (status, False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_below_standard_output_is_an_environment_error() -> None:
    """`> report.json` on a full disk must not look like success."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "west_llext", "schema"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    expected = (3, b"can't write to standard output: No space left on device\n")
    assert (done.returncode, done.stderr) == expected


@pytest.mark.skipif(os.name == "nt", reason="the current folder can't be removed there")
def test_a_current_folder_that_is_gone_is_an_environment_error(tmp_path: Path) -> None:
    """A shell in a folder that somebody removed."""
    gone = tmp_path / "gone"
    gone.mkdir()
    code = (
        "import os, sys; os.chdir(sys.argv[1]); os.rmdir(sys.argv[1]);"
        "from west_llext.cli.main import main; sys.exit(main(['check']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(gone)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        text=True,
    )
    expected = ".: error[L001]: can't read '.': No such file or directory\n1 error\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, expected, "")


def test_a_file_name_that_the_locale_can_not_say_is_spelled_out(tmp_path: Path) -> None:
    """An ASCII locale is normal in containers."""
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ran = process("check", "-m", "ü.yml", folder=tmp_path, environment=environment)
    assert ran.status == 3
    assert "Traceback" not in ran.err


@pytest.fixture
def wait_for_interrupt() -> Callable[[Namespace, object], None]:
    """A verb that interrupts itself as a terminal would."""

    def verb(_arguments: Namespace, _console: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    return verb


@pytest.mark.skipif(os.name == "nt", reason="signals are others there")
def test_a_signal_while_a_verb_runs(
    wait_for_interrupt: Callable[[Namespace, object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C."""
    monkeypatch.setattr(build, "run", wait_for_interrupt)
    assert command("build").status == main.INTERRUPTED


def test_info_of_several_files_goes_on_behind_a_broken_one(tmp_path: Path) -> None:
    """All findings, not the first."""
    (tmp_path / "base.elf").write_bytes(base_elf())
    (tmp_path / "broken.elf").write_bytes(b"\x7fELF")
    ran = command("info", "broken.elf", "base.elf", folder=tmp_path)
    assert ran.status == 1
    assert "broken.elf: error[L002]: not a whole ELF header\n" in ran.out
    assert "base.elf: base image, arm, 32 bits, little endian" in ran.out
