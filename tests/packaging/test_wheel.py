# SPDX-License-Identifier: Apache-2.0
"""What `pip install .` installs: a wheel that works outside of the checkout."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from email.parser import Parser
from pathlib import Path

import pytest
from support.commands import ROOT, Ran
from support.project import project

from west_llext import __version__

pytest.importorskip("hatchling")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made by the build backend that the environment has."""
    folder = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run([*words, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (found,) = folder.iterdir()
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing in it but the wheel's files; what it depends on is elsewhere."""
    folder = tmp_path_factory.mktemp("installed")
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-index", "--target", str(folder), str(wheel)]
    done = subprocess.run([*words, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def run(installed: Path, *words: str, folder: Path) -> Ran:
    """A Python command that finds the installed package before the checkout."""
    environment: Mapping[str, str] = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def script(installed: Path) -> str:
    """The command that pip has made."""
    name = "west-llext.exe" if os.name == "nt" else "west-llext"
    return str(installed / "bin" / name)


def test_the_wheel_has_the_package_its_schemas_and_pages(wheel: Path) -> None:
    """And nothing else: no tests, no samples."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "west_llext").rglob("*")
        if path.is_file() and path.suffix in {".py", ".typed"}
    }
    schemas = {f"west_llext/schemas/{path.name}" for path in (ROOT / "schemas").iterdir()}
    pages = {f"west_llext/codes/{path.name}" for path in (ROOT / "docs" / "codes").glob("*.md")}
    assert package | schemas | pages == names


def test_the_metadata_says_what_it_is_and_needs(wheel: Path) -> None:
    """As package managers read it."""
    with zipfile.ZipFile(wheel) as archive:
        prefix = f"west_llext-{__version__}.dist-info"
        metadata = Parser().parsestr(archive.read(f"{prefix}/METADATA").decode())
        scripts = archive.read(f"{prefix}/entry_points.txt").decode().split()
        assert f"{prefix}/licenses/LICENSE" in archive.namelist()
    assert (metadata["Name"], metadata["Version"]) == ("west-llext", __version__)
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.10"
    assert {"dev", "run", "west", "zig"} <= set(metadata.get_all("Provides-Extra") or [])
    needed = [each for each in metadata.get_all("Requires-Dist") or [] if "extra ==" not in each]
    assert {each.partition(">")[0].lower() for each in needed} == {"ninja", "pyyaml"}
    assert "west_llext.cli.main:main" in scripts
    assert scripts[scripts.index("[pytest11]") :][1:4] == ["llext", "=", "west_llext.pytest_plugin"]


def test_the_package_imports_what_it_says_that_it_needs() -> None:
    """And, inside functions, what its extras bring."""
    found = set()
    for path in (ROOT / "west_llext").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module).partition(".")[0])
    # the standard library reads compressed kits where it can, else a package where there is one
    optional = {"compression", "zstandard"}
    # and pytest loads its plugin itself
    optional.add("pytest")
    needed = found - sys.stdlib_module_names - {"west_llext"} - optional
    assert needed == {"ninja", "west", "yaml"}


def test_the_installed_command_works_outside_of_the_checkout(
    installed: Path, tmp_path: Path
) -> None:
    """It finds its own files; a whole build included."""
    where = run(installed, "-c", "import west_llext; print(west_llext.__file__)", folder=tmp_path)
    assert Path(where.out.strip()).parent.parent == installed
    ran = run(installed, script(installed), "--version", folder=tmp_path)
    assert ran == (0, f"west-llext {__version__}\n", "")
    schema = run(installed, script(installed), "schema", folder=tmp_path).out
    file = ROOT / "schemas" / "llext-manifest.schema.json"
    assert json.loads(schema) == json.loads(file.read_text(encoding="utf-8"))
    project(tmp_path)
    ran = run(installed, script(installed), "build", folder=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    assert (tmp_path / "build" / "llext" / "demo.llext").is_file()


def test_the_installed_command_knows_the_pages_of_its_codes(
    installed: Path, tmp_path: Path
) -> None:
    """Which SARIF carries along."""
    (tmp_path / "llext.yml").write_text("version: 1\nextension: []\n", encoding="utf-8")
    ran = run(installed, script(installed), "check", "--format", "sarif", folder=tmp_path)
    assert ran.status == 1
    (rule,) = json.loads(ran.out)["runs"][0]["tool"]["driver"]["rules"]
    page = ROOT / "docs" / "codes" / f"{rule['id']}.md"
    expected = page.read_text(encoding="utf-8")
    assert rule["help"]["markdown"] == expected.replace(
        "[manifest reference](../manifest.md)", "manifest reference"
    )
