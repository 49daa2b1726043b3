# SPDX-License-Identifier: Apache-2.0
"""`build -v` shows the commands that ran, so that one can be run again by hand."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import Ran, command
from support.project import base_elf, demo_object

from west_llext.cli.shell import command_line

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the compiler of this test is a shell script"
)

MANIFEST = """\
version: 1
base:
  image: base.elf
  exports: [printk]
  toolchain: {cc: ./gcc.sh, cflags: ["-DTEXT=two words"]}
extensions:
  - {name: demo, sources: [demo.c], exports: [demo_run]}
"""
#: Makes the object that lies beside it.
GOOD = """\
while [ "$1" != -o ]; do shift; done
cp prebuilt.o "$2"
"""


def project(folder: Path, script: str) -> None:
    """A project whose compiler is a script."""
    (folder / "base.elf").write_bytes(base_elf())
    (folder / "prebuilt.o").write_bytes(demo_object())
    (folder / "demo.c").write_text("")
    (folder / "llext.yml").write_text(MANIFEST)
    compiler = folder / "gcc.sh"
    compiler.write_text(f"#!/bin/sh\n{script}")
    compiler.chmod(0o755)


def shown(ran: Ran) -> list[str]:
    """What is told before the findings."""
    return ran.err.split("demo.c: error", 1)[0].splitlines()


def test_verbose_shows_a_command_that_fails_and_what_it_printed(tmp_path: Path) -> None:
    """As T012 promises; the command can be given to a shell."""
    project(tmp_path, "echo one\necho two >&2\nexit 3\n")
    hint = "hint: run again with '-v' to see the command\n1 error\n"
    finding = f"demo.c: error[T012]: compiling 'demo.c' failed: two\n{hint}"
    assert command("build", folder=tmp_path) == (1, "", finding)
    ran = command("build", "-v", folder=tmp_path)
    line, *output = shown(ran)
    assert (ran.status, ran.out, output) == (1, "", ["one", "two"])
    assert ran.err.endswith(finding)
    assert line.startswith(f"$ {tmp_path}/gcc.sh ")
    assert "'-DTEXT=two words'" in line
    assert line.endswith(" -c demo.c -o build/llext/obj/demo/demo.c.o")
    again = subprocess.run(
        ["/bin/sh", "-c", line[2:]], cwd=tmp_path, capture_output=True, check=False
    )
    assert (again.returncode, again.stdout, again.stderr) == (3, b"one\n", b"two\n")


def test_verbose_says_where_commands_run(tmp_path: Path) -> None:
    """In the folder of the manifest, which needn't be the current one."""
    project(tmp_path, "exit 3\n")
    inner = tmp_path / "deep"
    inner.mkdir()
    ran = command("build", "-v", folder=inner)
    assert ran.err.startswith(f"..$ {tmp_path}/gcc.sh ")


def test_verbose_shows_commands_that_succeed_once(tmp_path: Path) -> None:
    """A second build runs none."""
    project(tmp_path, GOOD)
    ran = command("build", "-v", folder=tmp_path)
    assert (ran.status, len(ran.err.splitlines())) == (0, 1)
    assert ran.err.startswith(f"$ {tmp_path}/gcc.sh ")
    again = command("build", "-v", folder=tmp_path)
    assert (again.status, again.err) == (0, "")


@pytest.mark.parametrize("level", [(), ("-q",)], ids=["normal", "quiet"])
def test_other_levels_show_no_commands(level: tuple[str, ...], tmp_path: Path) -> None:
    """They are long."""
    project(tmp_path, GOOD)
    assert command("build", *level, folder=tmp_path).err == ""


def test_a_command_line_is_read_back_by_the_shell() -> None:
    """Whatever is in its words."""
    words = ["a b", "c'd", "$(e)", "", "*", "-f"]
    assert shlex.split(command_line(words)) == words
