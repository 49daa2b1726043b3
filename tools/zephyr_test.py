# SPDX-License-Identifier: Apache-2.0
"""Builds the samples and tests for Zephyr in a real tree, and runs them in QEMU.

    python tools/zephyr_test.py ZEPHYR_BASE [BOARD]

The environment says which compiler, as for Zephyr's own builds (ZEPHYR_TOOLCHAIN_VARIANT and what
belongs to it); where it doesn't, that of the distribution is taken: `arm-none-eabi-gcc` or
`riscv64-unknown-elf-gcc`. Modules come from the west workspace of the tree, or from ZEPHYR_MODULES
where there is none. What a sample has to print is in its `sample.yaml`, in the form that Zephyr's
test runner reads.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import yaml

#: Boards that QEMU has, and their architectures.
BOARDS = {
    "mps2/an385": "arm",
    "mps2/an386": "arm",
    "qemu_cortex_m3": "arm",
    "qemu_riscv32": "riscv",
}
#: What the names of the distribution's compilers begin with.
PREFIXES = {"arm": "arm-none-eabi-", "riscv": "riscv64-unknown-elf-"}
#: Releases in which Zephyr's loader began to relocate for an architecture.
LOADERS = {"arm": (3, 5), "riscv": (4, 0)}
#: Applications that are nothing without it.
LOADING = {"samples/zephyr/hello", "tests/zephyr"}

ROOT = Path(__file__).resolve().parent.parent
APPLICATIONS = ("samples/zephyr/hello", "samples/zephyr/xip", "tests/zephyr")
DESCRIPTIONS = ("sample.yaml", "testcase.yaml")
BOARD = "mps2/an385"

#: What a test suite prints in the end.
SUITE = ("PROJECT EXECUTION SUCCESSFUL",)
FAILED = "PROJECT EXECUTION FAILED"
SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is built and run.

    settings: of Kconfig, as arguments of CMake
    lines: regular expressions, in the order in which lines match them
    """

    application: str
    settings: tuple[str, ...]
    lines: tuple[str, ...]


def scenario(application: str, description: Mapping[str, Any], board: str) -> Scenario | None:
    """From a `sample.yaml` or `testcase.yaml`; None where it isn't for the board."""
    common = description.get("common", {})
    (case,) = description["tests"].values()
    architecture = BOARDS.get(board)
    if architecture not in case["arch_allow"]:
        return None
    boards = re.findall(r"CONFIG_BOARD_\w+", case["filter"])
    if boards and setting_of(board) not in boards:
        return None
    settings = []
    for line in case.get("extra_configs", ()):
        words = line.split(":")
        if words[0] != "arch":
            settings.append(f"-D{line}")
        elif words[1] == architecture:
            settings.append(f"-D{words[2]}")
    lines = common.get("harness_config", {}).get("regex", SUITE)
    return Scenario(application=application, settings=tuple(settings), lines=tuple(lines))


def setting_of(board: str) -> str:
    """The Kconfig setting that every release has for a board."""
    return f"CONFIG_BOARD_{board.replace('/', '_').upper()}"


def board_name(board: str, version: tuple[int, int]) -> str:
    """As releases before 3.7 have it, which know no qualifiers."""
    return board if version >= (3, 7) else board.replace("/", "_")


def version_of(text: str) -> tuple[int, int]:
    """Major and minor, from Zephyr's file VERSION."""
    found = dict(re.findall(r"^(\w+)\s*=\s*(\d+)", text, re.MULTILINE))
    return int(found["VERSION_MAJOR"]), int(found["VERSION_MINOR"])


def unseen(lines: Sequence[str], printed: Sequence[str]) -> list[str]:
    """The expressions that nothing printed matches, one behind the other."""
    left = list(lines)
    for text in printed:
        if left and re.search(left[0], text):
            del left[0]
    return left


def environment(base: Path, architecture: str, folder: Path) -> dict[str, str]:
    """That of the process, with a compiler where it names none.

    folder: for what has to be put before the compiler
    """
    found = {**os.environ, "ZEPHYR_BASE": str(base)}
    known = ("ZEPHYR_TOOLCHAIN_VARIANT", "ZEPHYR_SDK_INSTALL_DIR", "CROSS_COMPILE")
    if not any(name in found for name in known):
        prefix = PREFIXES[architecture]
        compiler = shutil.which(f"{prefix}gcc")
        if compiler is None:
            sys.exit(f"zephyr-test: set ZEPHYR_SDK_INSTALL_DIR, or install {prefix}gcc")
        found["CROSS_COMPILE"] = compiler.removesuffix("gcc")
        if architecture == "riscv":
            found["CROSS_COMPILE"] = without_extensions(Path(compiler), prefix, folder)
    if "CROSS_COMPILE" in found:
        found.setdefault("ZEPHYR_TOOLCHAIN_VARIANT", "cross-compile")
    return found


def without_extensions(compiler: Path, prefix: str, folder: Path) -> str:
    """Names to take in place of the compiler's and its tools'; what they begin with.

    The distribution's libraries for RISC-V have no `_zicsr_zifencei` in their names, which Zephyr's
    `-march` has. Asked for its library, the compiler would name the one for 64 bits.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for tool in compiler.parent.glob(f"{prefix}*"):
        (folder / tool.name).symlink_to(tool)
    script = folder / compiler.name
    script.unlink()
    script.write_text(
        "#!/bin/bash\n"
        'case " $* " in\n'
        '*" --print-libgcc-file-name "* | *" -print-multi-directory "*)\n'
        '\tset -- "${@/_zicsr_zifencei/}" ;;\n'
        "esac\n"
        f'exec {shlex.quote(str(compiler))} "$@"\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    return str(folder / prefix)


def modules(base: Path, env: Mapping[str, str]) -> str:
    """The argument that adds this module to the others."""
    if "ZEPHYR_MODULES" in env or not (base.parent / ".west").is_dir():
        others = [env["ZEPHYR_MODULES"]] if env.get("ZEPHYR_MODULES") else []
        return "-DZEPHYR_MODULES=" + ";".join([*others, ROOT.as_posix()])
    return f"-DEXTRA_ZEPHYR_MODULES={ROOT.as_posix()}"


def built(wanted: Scenario, folder: Path, board: str, env: Mapping[str, str]) -> str | None:
    """Build from scratch; what the build says where it fails."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = [
        f"-DBOARD={board}",
        f"-DPython3_EXECUTABLE={Path(sys.executable).as_posix()}",
        modules(Path(env["ZEPHYR_BASE"]), env),
        *wanted.settings,
    ]
    source = str(ROOT / wanted.application)
    for command in (
        ["cmake", "-GNinja", "-S", source, "-B", str(folder), *settings],
        ["cmake", "--build", str(folder)],
    ):
        done = subprocess.run(
            command,
            env=env,
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        (folder / "build.log").write_text(done.stdout, encoding="utf-8")
        if done.returncode:
            return done.stdout
    return None


def ran(wanted: Scenario, folder: Path, env: Mapping[str, str]) -> list[str]:
    """What it printed until everything was seen, or time was up."""
    printed: list[str] = []
    with subprocess.Popen(
        ["cmake", "--build", str(folder), "--target", "run"],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # the emulator is a child of a child: all of them are ended
    ) as process:
        reader = threading.Thread(target=_read, args=(process.stdout, printed), daemon=True)
        reader.start()
        end = time.monotonic() + SECONDS
        while reader.is_alive() and time.monotonic() < end:
            if not unseen(wanted.lines, printed) or any(FAILED in line for line in printed):
                break
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGTERM)
        reader.join(5)
    return printed


def _read(stream: IO[str], printed: list[str]) -> None:
    printed.extend(line.rstrip() for line in stream)  # one by one


def tested(wanted: Scenario, folder: Path, board: str, env: Mapping[str, str]) -> bool:
    """Whether it builds, and prints what it has to; says so."""
    print(f"{wanted.application} for {board} ... ", end="", flush=True)
    start = time.monotonic()
    failure = built(wanted, folder, board, env)
    if failure is not None:
        print(f"doesn't build:\n{failure}")
        return False
    printed = ran(wanted, folder, env)
    (folder / "run.log").write_text("\n".join([*printed, ""]), encoding="utf-8")
    left = unseen(wanted.lines, printed)
    if left:
        print("\n".join(("printed:", *printed, f"and nothing like {left[0]!r}")))
        return False
    print(f"as expected ({time.monotonic() - start:.0f} s)")
    return True


def main(base: Path, board: str) -> None:
    """Everything that is for the board."""
    description = base / "VERSION"
    if not description.is_file():
        sys.exit(f"zephyr-test: {base} is no tree of Zephyr: set ZEPHYR_BASE")
    if board not in BOARDS:
        sys.exit(f"zephyr-test: BOARD is one of {', '.join(BOARDS)}, not {board}")
    for tool in ("cmake", "ninja"):
        if shutil.which(tool) is None:
            sys.exit(f"zephyr-test: {tool} isn't installed")
    version = version_of(description.read_text(encoding="utf-8"))
    architecture = BOARDS[board]
    folder = ROOT / "build" / "zephyr-test"
    env = environment(base, architecture, folder / "compiler")
    results = []
    for application in APPLICATIONS:
        (path,) = (path for name in DESCRIPTIONS for path in (ROOT / application).glob(name))
        wanted = scenario(application, yaml.safe_load(path.read_text(encoding="utf-8")), board)
        if wanted is None:
            print(f"{application} isn't for {board}")
            continue
        if application in LOADING and version < LOADERS[architecture]:
            first = "{}.{}".format(*LOADERS[architecture])
            print(f"{application} isn't for {board} before Zephyr {first}: there is no loader")
            continue
        name = application.replace("/", "-")
        results.append(tested(wanted, folder / name, board_name(board, version), env))
    if not results or not all(results):
        sys.exit(1)


if __name__ == "__main__":
    if not 1 < len(sys.argv) <= 3:
        sys.exit("usage: make zephyr-test ZEPHYR_BASE=… [BOARD=…]")
    main(Path(sys.argv[1]).resolve(), sys.argv[2] if len(sys.argv) == 3 else BOARD)
