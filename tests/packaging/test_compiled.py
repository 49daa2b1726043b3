# SPDX-License-Identifier: Apache-2.0
"""The modules that a compiled wheel has as machine code (docs/adr/0035).

`make test-compiled` compiles them and runs all tests with them. Here they go as far as takes no
minutes: to C.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.commands import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HOOK: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "hatch"
]["build"]["targets"]["wheel"]["hooks"]["mypyc"]

TRANSLATE = """\
import sys
from mypyc.build import mypyc_build
from mypyc.options import CompilerOptions

_, target, *files = sys.argv
options = CompilerOptions(multi_file=True, target_dir=target)
mypyc_build(["--config-file=", "--cache-dir", target + "/cache", *files], options)
"""


def matched(patterns: list[str]) -> list[list[str]]:
    """The modules that each pattern is for: a file, or a folder with all that is in it."""
    found = []
    for pattern in patterns:
        path = ROOT / pattern.removeprefix("/")
        paths = path.rglob("*.py") if pattern.endswith("/") else [path]
        found.append(sorted(each.relative_to(ROOT).as_posix() for each in paths))
    return found


@pytest.fixture(scope="module")
def modules() -> list[str]:
    """Paths of all of them, below the checkout."""
    included = {each for group in matched(HOOK["include"]) for each in group}
    return sorted(included.difference(*matched(HOOK["exclude"])))


def test_only_who_asks_gets_a_compiled_wheel() -> None:
    """All others get one that runs everywhere."""
    assert HOOK["enable-by-default"] is False


@pytest.mark.parametrize("key", ["include", "exclude"])
def test_each_pattern_is_for_something(key: str) -> None:
    """Modules that are moved stay compiled."""
    for pattern, paths in zip(HOOK[key], matched(HOOK[key]), strict=True):
        assert paths, pattern
        assert all((ROOT / path).is_file() for path in paths), pattern


def test_nothing_compiled_reads_its_own_docstring(modules: list[str]) -> None:
    """It has none."""
    for path in modules:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert "__doc__" not in names, path


def test_mypyc_takes_every_module(modules: list[str], tmp_path: Path) -> None:
    """With what it says of those that it doesn't."""
    words = [sys.executable, "-c", TRANSLATE, str(tmp_path), *modules]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    made = {each.stem.removeprefix("__native_") for each in tmp_path.rglob("__native_*.c")}
    wanted = {path.removesuffix("/__init__.py").removesuffix(".py") for path in modules}
    assert {each.replace("/", "___") for each in wanted} <= made
