# SPDX-License-Identifier: Apache-2.0
"""What the module's C asks of Zephyr, against test doubles of its headers (`doubles`).

The real tree that everything was run in is older than loading of prelocated extensions.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from support.commands import ROOT

HERE = Path(__file__).parent
IN_FLASH, LOAD, BRING_UP = 1, 2, 4
OLD, LTS, NEW = 0x030663, 0x030700, 0x040300
WRITABLE = "-DCONFIG_LLEXT_STORAGE_WRITABLE=1"

PLACED = ["flush 0x1000 8", "invalidate 0x1000 8", "flush 0x2000 16"]
MEMORIES = " 0x1000+0x100:5 0x2000+0x80:6"
BEGIN = ["open file 5", "lookup 1"]
END = ["result 0", "exports 1 1 1 known 0", "last"]


def ran(
    folder: Path,
    flags: int,
    *options: str,
    version: int = NEW,
    steps: tuple[int, int, int, int] = (0, 0, 0, 0),
    memories: bool = True,
) -> list[str]:
    """What is asked for when these steps return that."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no compiler for this machine is installed")
    program = folder / "glue"
    zephyr = ROOT / "zephyr"
    done = subprocess.run(
        [
            *(compiler, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o", str(program)),
            *(f"-I{HERE / 'doubles'}", f"-I{zephyr / 'include'}", f"-I{zephyr / 'src'}"),
            *(f"-DKERNEL_VERSION_NUMBER={version:#x}", "-DCONFIG_WEST_LLEXT_LOG_LEVEL=3"),
            f"-DCONFIG_WEST_LLEXT_INSTALL_MEMORIES={int(memories)}",
            *options,
            *(str(zephyr / "src" / name) for name in ("west_llext.c", "sha256.c")),
            str(HERE / "glue.c"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    words = [str(each) for each in (flags, *steps)]
    return subprocess.run(
        [str(program), *words], capture_output=True, text=True, check=True
    ).stdout.splitlines()


def test_a_blob_is_verified_planned_and_placed(tmp_path: Path) -> None:
    """In this order; caches are cared for; nothing is called that wasn't asked for."""
    assert ran(tmp_path, 0) == [*BEGIN, f"plan copy{MEMORIES}", *PLACED, *END]
    assert ran(tmp_path, IN_FLASH)[2] == f"plan in place{MEMORIES}"


def test_constructors_are_called_in_order(tmp_path: Path) -> None:
    """Those that must be first, then the others; destructors in the end."""
    lines = ran(tmp_path, BRING_UP)
    assert lines[-5:] == ["first", "second", *END]


@pytest.mark.parametrize(
    ("version", "storage", "options"), [(LTS, 1, [WRITABLE]), (NEW, 2, [])], ids=["3.7", "4.3"]
)
def test_the_loader_is_told_that_everything_is_in_place(
    version: int, storage: int, options: list[str], tmp_path: Path
) -> None:
    """It allocates and relocates nothing; the file is one that it may use in place."""
    lines = ran(tmp_path, LOAD | BRING_UP, *options, version=version)
    assert lines[-6:] == [
        f"load demo from file 5 storage {storage} local 0 located 1",
        "first",
        "second",
        "result 0",
        "exports 1 1 1 known 1",
        "last",
    ]
    # how often it was loaded before
    assert "result 0" in ran(tmp_path, LOAD, *options, version=version, steps=(0, 0, 0, 2))


def test_a_failure_of_the_loader_is_passed_on(tmp_path: Path) -> None:
    """Constructors aren't called."""
    lines = ran(tmp_path, LOAD | BRING_UP, steps=(0, 0, 0, -errno.ENOMEM))
    assert lines[-2:] == ["E: llext_load() of 'demo' failed: -12", "result -12"]
    assert "first" not in lines


def test_a_release_that_can_not_load_says_so_first(tmp_path: Path) -> None:
    """Before 3.7."""
    assert ran(tmp_path, LOAD, version=OLD) == [
        "E: this release of Zephyr can't load prelocated extensions",
        f"result {-errno.ENOTSUP}",
    ]
    assert ran(tmp_path, 0, version=OLD)[-3:] == END


def test_a_setting_that_loading_needs_is_named_first(tmp_path: Path) -> None:
    """Until 4.1 the loader refuses (-EFAULT) what is placed where storage is for reading only."""
    assert ran(tmp_path, LOAD, version=LTS) == [
        "E: prelocated extensions need CONFIG_LLEXT_STORAGE_WRITABLE in this release of Zephyr",
        f"result {-errno.ENOTSUP}",
    ]
    assert ran(tmp_path, 0, version=LTS)[-3:] == END


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((-8, 0, 0, 0), [BEGIN[0], "E: not a blob with an identity: -8", "result -8"]),
        (
            (0, -errno.ENOENT, 0, 0),
            [
                *BEGIN,
                "E: 'printk' isn't exported, so nobody can tell whether the blob fits",
                "result -2",
            ],
        ),
        (
            (0, -errno.EBADMSG, 0, 0),
            [
                *BEGIN,
                "E: made for another image: 'printk' is at 0x20, not at 0x10",
                f"result {-errno.EBADMSG}",
            ],
        ),
        ((0, -8, 0, 0), [*BEGIN, "E: the blob contradicts itself: -8", "result -8"]),
        (
            (0, 0, -14, 0),
            [*BEGIN, f"plan copy{MEMORIES}", "E: 'demo' can't be placed: -14", "result -14"],
        ),
    ],
)
def test_what_is_wrong_is_logged_and_ends_it(
    steps: tuple[int, int, int, int], expected: list[str], tmp_path: Path
) -> None:
    """Nothing is placed."""
    assert ran(tmp_path, LOAD | BRING_UP, steps=steps) == expected


def test_without_memories_nothing_is_placed_unless_that_is_asked_for(tmp_path: Path) -> None:
    """CONFIG_WEST_LLEXT_INSTALL_MEMORIES."""
    assert ran(tmp_path, 0, "-DNO_MEMORY") == [
        *BEGIN,
        "E: the manifest declares no memory to place 'demo' in",
        "result -14",
    ]
    lines = ran(tmp_path, 0, "-DNO_MEMORY", memories=False)
    assert lines == [*BEGIN, "plan copy", *PLACED, *END]


def test_symbols_are_looked_up_by_slid_where_the_image_has_those(tmp_path: Path) -> None:
    """The first bytes of the name's SHA-256, as many as a pointer has."""
    lines = ran(tmp_path, 0, "-DCONFIG_LLEXT_EXPORT_BUILTINS_BY_SLID=1")
    digest = hashlib.sha256(b"printk").hexdigest()
    assert lines[1] in {f"slid {digest[:8]}", f"slid {digest[:16]}"}
    assert lines[2] == "lookup 1"
