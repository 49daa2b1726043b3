# SPDX-License-Identifier: Apache-2.0
"""Sets a machine up for `make`: a virtual environment, and what tests compare with where possible.

Only the standard library, because it runs before anything is installed. Does nothing where
everything is there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
NODE = ROOT / ".node"

#: Packages of the distribution that tests compare with, and what shows that they are there.
CROSS = {
    "gcc-arm-none-eabi": "arm-none-eabi-gcc",
    "binutils-arm-none-eabi": "arm-none-eabi-ld",
    "picolibc-arm-none-eabi": "/usr/lib/picolibc/arm-none-eabi/include",
    "gcc-riscv64-unknown-elf": "riscv64-unknown-elf-gcc",
    "binutils-riscv64-unknown-elf": "riscv64-unknown-elf-ld",
    "picolibc-riscv64-unknown-elf": "/usr/lib/picolibc/riscv64-unknown-elf/include",
    "gcc-aarch64-linux-gnu": "aarch64-linux-gnu-gcc",
    "binutils-aarch64-linux-gnu": "aarch64-linux-gnu-ld",
    "picolibc-aarch64-linux-gnu": "/usr/lib/picolibc/aarch64-linux-gnu/include",
    "libc6-dev-arm64-cross": "/usr/aarch64-linux-gnu/include",
    # not gcc-multilib, which keeps cross compilers out
    "libc6-dev-i386": "/usr/lib32/libc.a",
    "lib32gcc-12-dev": "/usr/lib/gcc/x86_64-linux-gnu/12/32/libgcc.a",
    "gcc-xtensa-lx106": "xtensa-lx106-elf-gcc",
    "binutils-xtensa-lx106": "xtensa-lx106-elf-ld",
    "picolibc-xtensa-lx106-elf": "/usr/lib/xtensa-lx106-elf/lib/libc.a",
    "gcc-arc-linux-gnu": "arc-linux-gnu-gcc",
    "qemu-system-arm": "qemu-system-arm",
    "qemu-system-misc": "qemu-system-xtensa",
    "gdb-multiarch": "gdb-multiarch",
}

#: Packages of npm that tests compare with. Newer releases of the first need Node.js 22.
NPM = {"yaml-language-server": "1.25.0", "@microsoft/sarif-multitool": "5.7.0"}


def venv(extras: str) -> None:
    """Create or update the virtual environment with the project and its extras in it."""
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if any(_has(stamp, extras, wanted) for stamp in VENV.glob("stamp-*")):
        return
    if sys.version_info < (3, 10):  # noqa: UP036 (it runs before pip has looked)
        sys.exit(f"setup: Python 3.10 or newer is needed, this is {sys.version.split()[0]}")
    python = VENV / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists() and not python.with_suffix(".exe").exists():
        print("setup: creating .venv", flush=True)
        create(python)
    print(
        f"setup: installing the project and [{extras}], which can take a minute or two", flush=True
    )
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*command, "-e", f".[{extras}]"], cwd=ROOT, check=False).returncode:
        sys.exit("setup: pip could not install the packages (see above)")
    stamp = VENV / f"stamp-{extras.replace(',', '-')}"
    stamp.write_text(wanted, encoding="utf-8")


def _has(stamp: Path, extras: str, wanted: str) -> bool:
    # whether the environment has these extras (and others, perhaps) of the project as it is
    installed = stamp.name.split("-")[1:]
    return set(extras.split(",")) <= set(installed) and stamp.read_text("utf-8") == wanted


def create(python: Path) -> None:
    """Create the virtual environment, its interpreter being `python`.

    Distributions have what `venv` needs to put pip there in a package of its own (python3-venv in
    Debian). Where that is missing, a pip from elsewhere does it as well.
    """
    own = [sys.executable, "-m"]
    into = [*own, "pip", "--python", str(python), "install", "--quiet", "pip"]
    ways = (
        ([*own, "venv", str(VENV)],),
        ([*own, "venv", "--without-pip", str(VENV)], into),
        ([*own, "virtualenv", str(VENV)],),
        (["uv", "venv", "--seed", str(VENV)],),
    )
    for commands in ways:
        if all(_runs(words) for words in commands):
            return
        shutil.rmtree(VENV, ignore_errors=True)
    sys.exit("setup: this Python can't make virtual environments: install python3-venv")


def _runs(words: list[str]) -> bool:
    if not Path(words[0]).is_absolute() and shutil.which(words[0]) is None:
        return False
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


def cross() -> None:
    """Install the cross tools where apt may be used; say in one line what is missing otherwise."""
    missing = _missing()
    tried = VENV / "apt-tried"  # what apt could not install isn't asked for each time
    known = tried.read_text(encoding="utf-8").split() if tried.is_file() else []
    wanted = missing != known and shutil.which("apt-get")
    root = _root() if wanted else None
    if root is not None:
        print(f"setup: apt-get install {' '.join(missing)}", flush=True)
        _apt(root, "update")
        if not _apt(root, "install", *missing):
            for package in missing:  # a release that lacks one has the others
                _apt(root, "install", package)
        missing = _missing()
        tried.write_text(" ".join(missing), encoding="utf-8")
    if missing:
        names = " ".join(missing)
        print(f"setup: tests that need {names} will be skipped: install these to run them")


def _missing() -> list[str]:
    return [package for package, sign in CROSS.items() if not _there(sign)]


def _apt(root: list[str], verb: str, *packages: str) -> bool:
    options = ["-y", "--no-install-recommends"] if packages else []
    done = subprocess.run(
        # sudo would drop the variable from the environment
        [
            *root,
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "-qq",
            verb,
            *options,
            *packages,
        ],
        check=False,
        stdout=subprocess.DEVNULL,
    )
    return done.returncode == 0


def node() -> None:
    """Install the packages of npm into the checkout; say in one line what is missing otherwise."""
    names = [f"{name}@{version}" for name, version in NPM.items()]
    stamp, wanted = NODE / "stamp", " ".join(names)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    npm = shutil.which("npm")
    if npm is not None:
        print(f"setup: npm install {wanted}", flush=True)
        quiet = ["--no-save", "--no-audit", "--no-fund", "--loglevel=error"]
        command = [npm, "install", f"--prefix={NODE}", *quiet, *names]
        NODE.mkdir(exist_ok=True)
        if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode == 0:
            stamp.write_text(wanted, encoding="utf-8")
            return
    why = "install npm to run them" if npm is None else "npm could not install these"
    print(f"setup: tests that need {' '.join(NPM)} will be skipped: {why}", flush=True)


def _there(sign: str) -> bool:
    return Path(sign).exists() if sign.startswith("/") else shutil.which(sign) is not None


def _root() -> list[str] | None:
    # the words that make a command run as root; None where that isn't allowed
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    allowed = subprocess.run(["sudo", "-n", "true"], check=False, capture_output=True)
    return ["sudo", "-n"] if allowed.returncode == 0 else None


def main() -> None:
    """`setup.py EXTRAS [cross] [node]`."""
    venv(sys.argv[1])
    if "cross" in sys.argv[2:]:
        cross()
    if "node" in sys.argv[2:]:
        node()


if __name__ == "__main__":
    main()
