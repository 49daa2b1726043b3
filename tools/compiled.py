# SPDX-License-Identifier: Apache-2.0
"""Makes a wheel in which the link is machine code (docs/adr/0035): dist/west_llext-*.whl.

The last commit is compiled, in a clone of its own in build/compiled: beside the sources of a
checkout, compiled modules would hide what is edited. Words are a command to run in the clone, whose
west_llext then is the compiled one, in all processes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLONE = ROOT / "build" / "compiled"
DIST = ROOT / "dist"
_STAMP = "compiled-commit"
_HOOK = "HATCH_BUILD_HOOK_ENABLE_MYPYC"
_PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


def main() -> int:
    """Compile what isn't compiled yet, and run the command, if there is one."""
    commit = _git("rev-parse", "HEAD", at=ROOT)
    if _git("status", "--porcelain", "--untracked-files=no", at=ROOT):
        print("compiled: without what isn't committed", flush=True)
    stamp = CLONE / ".git" / _STAMP
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != commit:
        print(f"compiled: compiling {commit[:10]}, which takes three minutes", flush=True)
        _clone()
        wheel = [*_PIP, "wheel", "--no-deps", "--wheel-dir", str(DIST), str(CLONE)]
        subprocess.run(wheel, env=os.environ | {_HOOK: "true"}, check=True)
        stamp.write_text(commit, encoding="utf-8")
    if len(sys.argv) == 1:
        return 0
    environment = os.environ | {"PYTHONPATH": str(CLONE)}
    return subprocess.run(sys.argv[1:], cwd=CLONE, env=environment, check=False).returncode


def _clone() -> None:
    shutil.rmtree(CLONE, ignore_errors=True)
    _git("clone", "--quiet", str(ROOT), str(CLONE), at=ROOT)
    for name in (".venv", ".node"):  # what tests compare with is installed once
        if (ROOT / name).exists():
            (CLONE / name).symlink_to(ROOT / name, target_is_directory=True)


def _git(*words: str, at: Path) -> str:
    done = subprocess.run(["git", *words], cwd=at, capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
