# SPDX-License-Identifier: Apache-2.0
"""Sets a machine up for `make`: a virtual environment, and cross tools where that is possible.

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

#: Packages of the distribution that tests compare with, and what shows that they are there.
CROSS = {
    "gcc-arm-none-eabi": "arm-none-eabi-gcc",
    "binutils-arm-none-eabi": "arm-none-eabi-ld",
    "picolibc-arm-none-eabi": "/usr/lib/picolibc/arm-none-eabi/include",
    "gcc-riscv64-unknown-elf": "riscv64-unknown-elf-gcc",
    "binutils-riscv64-unknown-elf": "riscv64-unknown-elf-ld",
    "picolibc-riscv64-unknown-elf": "/usr/lib/picolibc/riscv64-unknown-elf/include",
    "qemu-system-arm": "qemu-system-arm",
    "gdb-multiarch": "gdb-multiarch",
}


def venv(extras: str) -> None:
    """Create or update the virtual environment with the project and its extras in it."""
    stamp = VENV / f"stamp-{extras.replace(',', '-')}"
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    if sys.version_info < (3, 10):  # noqa: UP036 (it runs before pip has looked)
        sys.exit(f"setup: Python 3.10 or newer is needed, this is {sys.version.split()[0]}")
    python = VENV / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        print("setup: creating .venv", flush=True)
        if subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False).returncode:
            shutil.rmtree(VENV, ignore_errors=True)
            sys.exit("setup: Python has no venv module: install python3-venv, then run this again")
    print(f"setup: installing the project and [{extras}]", flush=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*command, "-e", f".[{extras}]"], cwd=ROOT, check=False).returncode:
        sys.exit("setup: pip could not install the packages (see above)")
    stamp.write_text(wanted, encoding="utf-8")


def cross() -> None:
    """Install the cross tools where apt may be used; say in one line what is missing otherwise."""
    missing = [package for package, sign in CROSS.items() if not _there(sign)]
    if not missing:
        return
    names = " ".join(missing)
    if shutil.which("apt-get") and _root() is not None:
        print(f"setup: apt-get install {names}", flush=True)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        apt = [*(_root() or []), "apt-get", "-qq"]
        subprocess.run([*apt, "update"], check=False, env=environment)
        install = [*apt, "install", "-y", "--no-install-recommends", *missing]
        done = subprocess.run(install, check=False, env=environment, stdout=subprocess.DEVNULL)
        if done.returncode == 0:
            return
    print(f"setup: tests that need {names} will be skipped: install these to run them", flush=True)


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
    """`setup.py EXTRAS [cross]`."""
    venv(sys.argv[1])
    if "cross" in sys.argv[2:]:
        cross()


if __name__ == "__main__":
    main()
