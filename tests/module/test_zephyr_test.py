# SPDX-License-Identifier: Apache-2.0
"""What `make zephyr-test` builds, and what it takes for a success."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

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
    """And what is set for which architecture; every board is for every application."""
    found = {}
    for application in tool.APPLICATIONS:
        for board in (*tool.BOARDS, "native_sim"):
            wanted = tool.scenario(application, description(tool, application), board)
            if wanted is not None:
                found[application, board] = wanted.settings, len(wanted.lines)
    arm = ("-DCONFIG_ARM_MPU=n",)
    assert found == {
        (application, board): (arm if architecture == "arm" else (), lines)
        for application, lines in (
            ("samples/zephyr/hello", 3),
            ("samples/zephyr/xip", 3),
            ("tests/zephyr", 1),
        )
        for board, architecture in tool.BOARDS.items()
    }


def description(tool: ModuleType, application: str) -> dict[str, Any]:
    """What Zephyr's test runner reads of an application."""
    (path,) = (path for name in tool.DESCRIPTIONS for path in (ROOT / application).glob(name))
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def test_no_description_names_a_board_that_a_release_does_not_know(tool: ModuleType) -> None:
    """The runner stops there (3.5: `mps2/an385`, 3.7: `mps2_an385`), whatever it was to test."""
    for application in tool.APPLICATIONS:
        (case,) = description(tool, application)["tests"].values()
        assert "platform_allow" not in case
        for board in case["integration_platforms"]:
            assert board in tool.BOARDS
            assert tool.board_name(board, (3, 5)) == tool.board_name(board, (3, 7)) == board


def test_boards_have_the_settings_that_their_manifests_are_for(tool: ModuleType) -> None:
    """A file in `boards/` by the board's name sets another manifest than prj.conf."""
    for application in ("samples/zephyr/xip", "tests/zephyr"):
        folder = ROOT / application
        for board in tool.BOARDS:
            path = folder / "boards" / f"{board}.conf"
            text = (path if path.is_file() else folder / "prj.conf").read_text(encoding="utf-8")
            (manifest,) = re.findall('CONFIG_WEST_LLEXT_MANIFEST="(.*)"', text)
            assert (folder / manifest).is_file()


def test_an_application_that_only_loads_waits_for_a_loader(
    tool: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It says since when there is one, and nothing of it is built; nor is that a success."""
    monkeypatch.setenv("CROSS_COMPILE", "x-")
    monkeypatch.setattr(tool.shutil, "which", lambda _name: "there")
    monkeypatch.setattr(tool, "ran", lambda *_words: [])
    built = []

    def build(_wanted: Any, folder: Path, board: str, _env: Any) -> str:
        built.append((folder.name, board))
        return "broken"

    monkeypatch.setattr(tool, "built", build)
    text = "VERSION_MAJOR = {}\nVERSION_MINOR = {}\n"
    for version in ((3, 7), (4, 0)):
        (tmp_path / "VERSION").write_text(text.format(*version), encoding="utf-8")
        with pytest.raises(SystemExit) as stopped:
            tool.main(tmp_path, "qemu_riscv32")
        assert stopped.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    late = "isn't for qemu_riscv32 before Zephyr 4.0: there is no loader"
    assert [line for line in lines if "isn't" in line] == [
        f"samples/zephyr/hello {late}",
        f"tests/zephyr {late}",
    ]
    assert built == [
        ("samples-zephyr-xip", "qemu_riscv32"),
        ("samples-zephyr-hello", "qemu_riscv32"),
        ("samples-zephyr-xip", "qemu_riscv32"),
        ("tests-zephyr", "qemu_riscv32"),
    ]


def test_what_can_not_be_tested_is_said_at_once(tool: ModuleType, tmp_path: Path) -> None:
    """No tree, or no board."""
    with pytest.raises(SystemExit) as stopped:
        tool.main(tmp_path, "mps2/an385")
    assert stopped.value.code == f"zephyr-test: {tmp_path} is no tree of Zephyr: set ZEPHYR_BASE"
    (tmp_path / "VERSION").write_text("VERSION_MAJOR = 4\nVERSION_MINOR = 4\n", encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        tool.main(tmp_path, "qemu_x86")
    assert stopped.value.code == (
        "zephyr-test: BOARD is one of mps2/an385, mps2/an386, qemu_cortex_m3, qemu_riscv32, "
        "not qemu_x86"
    )


def test_the_distribution_s_compiler_for_risc_v_finds_its_library(
    tool: ModuleType, tmp_path: Path
) -> None:
    """Extensions that its libraries aren't named by are left out of that question alone."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("riscv64-unknown-elf-gcc", "riscv64-unknown-elf-ld", "other-ld"):
        (tools / name).write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
        (tools / name).chmod(0o755)
    compiler = tools / "riscv64-unknown-elf-gcc"
    found = tool.without_extensions(compiler, "riscv64-unknown-elf-", tmp_path / "made")
    assert found == str(tmp_path / "made" / "riscv64-unknown-elf-")
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == [
        "riscv64-unknown-elf-gcc",
        "riscv64-unknown-elf-ld",
    ]
    flags = ["-march=rv32ima_zicsr_zifencei", "-mabi=ilp32"]
    for words, expected in (
        ([*flags, "-c"], "-march=rv32ima_zicsr_zifencei -mabi=ilp32 -c\n"),
        (
            [*flags, "--print-libgcc-file-name"],
            "-march=rv32ima -mabi=ilp32 --print-libgcc-file-name\n",
        ),
    ):
        done = subprocess.run([f"{found}gcc", *words], capture_output=True, text=True, check=True)
        assert done.stdout == expected


def test_modules_are_those_of_the_workspace(tool: ModuleType, tmp_path: Path) -> None:
    """Or of the environment, where there is no workspace."""
    base = tmp_path / "zephyr"
    base.mkdir()
    own = tool.ROOT.as_posix()
    assert tool.modules(base, {}) == f"-DZEPHYR_MODULES={own}"
    assert tool.modules(base, {"ZEPHYR_MODULES": "hal"}) == f"-DZEPHYR_MODULES=hal;{own}"
    (tmp_path / ".west").mkdir()
    assert tool.modules(base, {}) == f"-DEXTRA_ZEPHYR_MODULES={own}"
