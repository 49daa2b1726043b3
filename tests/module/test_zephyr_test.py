# SPDX-License-Identifier: Apache-2.0
"""What `make zephyr-test` builds, and what it takes for a success."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The tool, which is no package."""
    name = "zephyr_test_tool"
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / "zephyr_test.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_lines_are_seen_in_order(tool: ModuleType) -> None:
    """One line satisfies one expression; what comes too early doesn't count."""
    assert tool.unseen(["one", r"tw\w"], ["zero", "one!", "one two"]) == []
    assert tool.unseen(["one", "two"], ["two", "one"]) == ["two"]
    assert tool.unseen(["one", "one"], ["one one"]) == ["one"]
    assert tool.unseen([], []) == []


def test_boards_are_named_as_the_release_has_them(tool: ModuleType) -> None:
    """Qualifiers came with 3.7."""
    text = "VERSION_MAJOR = {}\nVERSION_MINOR = {}\nPATCHLEVEL = 99\nVERSION_TWEAK = 0\n"
    assert tool.version_of(text.format(3, 5)) == (3, 5)
    assert tool.board_name("mps2/an385", (3, 6)) == "mps2_an385"
    assert tool.board_name("mps2/an385", (3, 7)) == "mps2/an385"
    assert tool.board_name("qemu_riscv32", (3, 5)) == "qemu_riscv32"


def test_every_application_says_what_it_prints(tool: ModuleType) -> None:
    """And what is set for which architecture."""
    found = {}
    for application in tool.APPLICATIONS:
        (path,) = (path for name in tool.DESCRIPTIONS for path in (ROOT / application).glob(name))
        text = yaml.safe_load(path.read_text(encoding="utf-8"))
        for board in ("mps2/an385", "qemu_riscv32", "native_sim"):
            wanted = tool.scenario(application, text, board)
            if wanted is not None:
                found[application, board] = wanted.settings, len(wanted.lines)
    assert found == {
        ("samples/zephyr/hello", "mps2/an385"): (("-DCONFIG_ARM_MPU=n",), 3),
        ("samples/zephyr/hello", "qemu_riscv32"): ((), 3),
        ("samples/zephyr/xip", "mps2/an385"): (("-DCONFIG_ARM_MPU=n",), 3),
        ("samples/zephyr/xip", "qemu_riscv32"): ((), 3),
        ("tests/zephyr", "mps2/an385"): (("-DCONFIG_ARM_MPU=n",), 1),
    }


def test_modules_are_those_of_the_workspace(tool: ModuleType, tmp_path: Path) -> None:
    """Or of the environment, where there is no workspace."""
    base = tmp_path / "zephyr"
    base.mkdir()
    own = tool.ROOT.as_posix()
    assert tool.modules(base, {}) == f"-DZEPHYR_MODULES={own}"
    assert tool.modules(base, {"ZEPHYR_MODULES": "hal"}) == f"-DZEPHYR_MODULES=hal;{own}"
    (tmp_path / ".west").mkdir()
    assert tool.modules(base, {}) == f"-DEXTRA_ZEPHYR_MODULES={own}"
