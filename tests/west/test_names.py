# SPDX-License-Identifier: Apache-2.0
"""The command beside others of the workspace, and what west demands of its files."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

import pytest
import yaml
from support.commands import ROOT
from support.project import project
from support.workspaces import PROJECTS, run, settings, succeeded, west

SHIM = ROOT / "west_llext" / "west_command.py"
OTHER = """\
from west.commands import WestCommand
class Other(WestCommand):
    def __init__(self):
        super().__init__("llext", "", "Somebody else's.")
    def do_add_parser(self, adder):
        return adder.add_parser(self.name)
    def do_run(self, args, unknown):
        self.inf("somebody else")
"""
COMMANDS = """\
west-commands:
  - file: other.py
    commands: [{name: llext, class: Other, help: somebody else}]
"""


def test_an_alias_is_the_command(folder: Path) -> None:
    """`west config alias.x`: options and exit status are those of the command."""
    project(folder)
    with settings(folder.parent, {"alias.ext": "llext build -q"}):
        assert west("ext", folder=folder) == (0, "", "")
        assert (folder / "build" / "llext" / "demo.llext").is_file()
        assert west("ext", "-m", "missing.yml", folder=folder).status == 3


def test_a_name_that_another_project_has_taken(upstream: str, tmp_path: Path) -> None:
    """West warns and goes on; ours can still be called without it."""
    top = tmp_path / "workspace"
    (top / "app").mkdir(parents=True)
    (top / "app" / "other.py").write_text(OTHER, encoding="utf-8")
    (top / "app" / "commands.yml").write_text(COMMANDS, encoding="utf-8")
    manifest = PROJECTS["named"].replace(
        "    path: app\n", "    path: app\n    west-commands: commands.yml\n"
    )
    (top / "app" / "west.yml").write_text(manifest.replace("URL", upstream), encoding="utf-8")
    succeeded(west("init", "-l", "app", folder=top))
    succeeded(west("update", folder=top))
    project(top)
    ran = west("llext", folder=top)
    assert (ran.status, ran.out) == (0, "somebody else\n")
    assert "WARNING" in ran.err
    assert "llext" in ran.err
    package = {"PYTHONPATH": str(top / "modules" / "west-llext")}
    ran = run(sys.executable, "-m", "west_llext", "check", folder=top, environment=package)
    assert ran == (0, "1 extension: no findings\n", "")


def test_from_elsewhere_the_workspace_is_that_of_zephyr_base(
    manifest_workspace: Path, tmp_path: Path
) -> None:
    """As west has it; paths in settings start from that workspace, others from where one is."""
    project(tmp_path)
    zephyr = manifest_workspace / "zephyr"
    zephyr.mkdir(exist_ok=True)
    output = f"{tmp_path.name}-out"
    with settings(manifest_workspace, {"llext.output": output}):
        ran = west("llext", "build", folder=tmp_path, environment={"ZEPHYR_BASE": str(zephyr)})
        assert ran.status == 0, ran.err
    assert (manifest_workspace / output / "demo.llext").is_file()


def test_west_finds_nothing_wrong_with_the_file_of_commands() -> None:
    """A file against west's schema breaks every command of every workspace that has it."""
    west_package = pytest.importorskip("west")
    core = pytest.importorskip("pykwalify.core")
    schema = Path(west_package.__file__).parent / "west-commands-schema.yml"
    text = (ROOT / "scripts" / "west-commands.yml").read_text(encoding="utf-8")
    loaded = yaml.safe_load(text)
    core.Core(source_data=loaded, schema_files=[os.fspath(schema)]).validate()


def test_what_west_loads_can_be_loaded_everywhere() -> None:
    """By its path, under a made-up name: the standard library and west, and one class.

    There an import that fails is a traceback, and so is a dataclass with annotations as text, for
    which `sys.modules` has to have the module.
    """
    tree = ast.parse(SHIM.read_text(encoding="utf-8"))
    imported = {
        name.partition(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [each.name for each in node.names]
        )
    }
    assert imported - set(sys.stdlib_module_names) == {"west"}
    (defined,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
    assert (defined.name, defined.decorator_list) == ("LlextCommand", [])


@pytest.mark.skipif(os.name == "nt", reason="has no terminals of this kind")
@pytest.mark.parametrize(
    ("expected", "value", "environment"),
    [
        (b"\x1b[", "true", {}),
        (b"error[M010]: ", "false", {}),
        (b"error[M010]: ", "true", {"NO_COLOR": "1"}),
        (b"error[M010]: ", "true", {"TERM": "dumb"}),
    ],
    ids=["terminal", "color.ui", "NO_COLOR", "dumb"],
)
def test_a_terminal_has_colours_unless_it_must_not(
    expected: bytes, value: str, environment: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    """West alone would not care for NO_COLOR."""
    code = (
        "import os, pty, sys\n"
        "out = open(sys.argv[1], 'wb')\n"
        "def read(fd):\n"
        "    data = os.read(fd, 65536)\n"
        "    out.write(data)\n"
        "    return data\n"
        "pty.spawn([sys.executable, '-m', 'west', *sys.argv[2:]], read)\n"
    )
    seen = tmp_path / "seen"
    words = (sys.executable, "-c", code, str(seen), "llext", "check", "-m", "missing.yml")
    with settings(folder.parent, {"color.ui": value}):
        run(*words, folder=folder, environment={"TERM": "xterm", **environment})
    # west itself ends with a code that resets everything
    text = seen.read_bytes().removesuffix(b"\x1b[0m")
    assert b"M010" in text
    assert expected in text
    assert (b"\x1b[" in text) == (expected == b"\x1b[")
