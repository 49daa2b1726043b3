# SPDX-License-Identifier: Apache-2.0
"""The whole quickstart: table, base image, blobs, and calls in the emulator; `make demo` runs it.

    python demo.py [--cc gcc]

needs west-llext with its extras `run` and `zig` in this Python, and nothing else. Every command is
shown before it runs.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

#: What is called, in which file the sample says what it prints.
CALLS = {"mathlib:math_demo": "mathlib.txt", "filters:filters_demo": "filters.txt"}


def main() -> int:
    """Run everything; 0 if it printed what it should."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cc", choices=("gcc", "zig"), default="zig", help="for the base image")
    compiler = parser.parse_args().cc
    say(f"$ cd {os.path.relpath(HERE)}")
    say("# the table of what the base image exports, in C")
    tool("exports")
    say("# the base image, with that table in it")
    python("build_base.py", "--cc", compiler, "--exports", "build/llext", "--output", "build/base.elf")
    say("# four extensions for it; sizes in bytes")
    tool("build")
    say("# two of them in an emulator, beside the base image")
    wrong = [file for call, file in CALLS.items() if not prints_what_it_should(call, file)]
    if wrong:
        say("not as in " + ", ".join(f"expected/{file}" for file in wrong))
        return 1
    say("all of it as in " + " and ".join(f"expected/{file}" for file in CALLS.values()))
    return 0


def prints_what_it_should(call: str, file: str) -> bool:
    """Call a function in the emulator, and compare what it prints."""
    printed = tool("run", call, output=subprocess.PIPE).replace("\r\n", "\n")
    say(printed.rstrip("\n"))
    wanted = (HERE / "expected" / file).read_text(encoding="utf-8")
    return printed == f"{wanted}{call} = 0 (0x0)\n"


def tool(*words: str, output: int | None = None) -> str:
    """Run west-llext."""
    return python("-m", "west_llext", *words, output=output)


def python(*words: str, output: int | None = None) -> str:
    """Show and run a command of this Python, in this folder; what it prints, if that is wanted."""
    say("$ python " + shlex.join(words))
    done = subprocess.run(
        [sys.executable, *words], cwd=HERE, stdout=output, encoding="utf-8", check=False
    )
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout or ""


def say(text: str) -> None:
    """Print, before anything that a command prints."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
