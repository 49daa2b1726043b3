# SPDX-License-Identifier: Apache-2.0
"""Extensions that a build directory has today."""

from __future__ import annotations

import json
from pathlib import Path

from west_llext.base.llext_targets import LlextTarget, llext_targets


def entry(target: str, source: str) -> dict[str, str]:
    """A command of CMake's, as add_llext_target() of Zephyr makes it."""
    output = f"CMakeFiles/{target}_llext_lib.dir/{source}.obj"
    return {
        "directory": "/ws/build",
        "command": f"gcc -DX -o {output} -c /ws/app/{source}",
        "file": f"/ws/app/{source}",
    }


def database(*entries: object) -> bytes:
    """A compilation database."""
    return json.dumps(entries).encode()


def packaged(folder: Path, *names: str) -> None:
    """Files of extensions."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"ELF")


def test_targets_have_sources_and_a_file(tmp_path: Path) -> None:
    """Both by the target's name; other commands are of no interest."""
    packaged(tmp_path, "zephyr/fir.llext", "llext/other.llext", "zephyr/.llext", "x.llext.d")
    other = {"directory": "/ws/build", "command": "gcc -o app.dir/main.o -c m.c", "file": "m.c"}
    commands = database(entry("fir", "src/fir.c"), other, entry("fir", "src/iir.c"), "x", {})
    assert llext_targets(tmp_path, commands) == (
        LlextTarget(
            name="fir",
            sources=(Path("/ws/app/src/fir.c"), Path("/ws/app/src/iir.c")),
            packaged=tmp_path / "zephyr/fir.llext",
        ),
        LlextTarget(name="other", packaged=tmp_path / "llext/other.llext"),
    )


def test_what_we_have_built_is_not_taken_over(tmp_path: Path) -> None:
    """The output folder of a manifest may lie in the build directory."""
    packaged(tmp_path, "llext/mine.llext", "llext/llext-build.json", ".hidden/x.llext")
    assert llext_targets(tmp_path, None) == ()


def test_a_database_that_can_not_be_read_tells_nothing(tmp_path: Path) -> None:
    """It is only asked for names."""
    for data in (b"no", b"{}", b"[" * 100_000, database({"file": 1, "command": 2})):
        assert llext_targets(tmp_path, data) == ()
