# SPDX-License-Identifier: Apache-2.0
"""`west config llext.*`: what the command line leaves open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.project import project
from support.workspaces import settings, succeeded, west
from support.zephyrbuild import build_dir


@pytest.fixture
def top(folder: Path) -> Path:
    """The workspace."""
    return folder.parent


def test_west_writes_what_we_read(folder: Path, top: Path) -> None:
    """`west config llext.output …`, and of a path that it is relative to the workspace."""
    project(folder)
    with settings(top, {}):
        succeeded(west("config", "llext.output", f"{folder.name}/out", folder=folder))
        succeeded(west("llext", "build", folder=folder))
    assert (folder / "out" / "demo.llext").is_file()


def test_a_manifest_that_is_near_goes_before_that_of_the_workspace(folder: Path, top: Path) -> None:
    """The setting is for everywhere else."""
    project(folder)
    with settings(top, {"llext.manifest": "nowhere/llext.yml"}):
        succeeded(west("llext", "check", folder=folder))
        ran = west("llext", "check", folder=top)
    assert ran.status == 3
    assert ran.out.startswith("nowhere/llext.yml: error[M010]: can't read 'nowhere/llext.yml'")
    with settings(top, {"llext.manifest": f"{folder.name}/llext.yml"}):
        ran = west("llext", "check", folder=top)
    assert ran == (0, "1 extension: no findings\n", "")


def test_options_go_before_settings(folder: Path, top: Path) -> None:
    """Also where they say what is the default anyway."""
    project(folder)
    with settings(top, {"llext.output": f"{folder.name}/out", "llext.format": "json"}):
        assert json.loads(west("llext", "check", folder=folder).out)["schema"] == 1
        ran = west("llext", "check", "--format", "text", folder=folder)
        assert ran == (0, "1 extension: no findings\n", "")
        succeeded(west("llext", "build", "-o", "mine", folder=folder))
    assert (folder / "mine" / "demo.llext").is_file()
    assert not (folder / "out").exists()


def test_a_build_directory_for_manifests_that_name_none(folder: Path, top: Path) -> None:
    """Before the one that west would take."""
    manifest = project(folder)
    text = manifest.read_text(encoding="utf-8").replace("  image: base.elf\n", "")
    manifest.write_text(text, encoding="utf-8")
    build_dir(folder / "mine")
    with settings(top, {"llext.build-dir": f"{folder.name}/mine"}):
        succeeded(west("llext", "build", folder=folder))
    with settings(top, {"llext.build-dir": f"{folder.name}/nowhere"}):
        ran = west("llext", "build", folder=folder)
    assert (ran.status, ran.out) == (3, "")
    assert ran.err == (
        "nowhere: error[B001]: there is no build directory 'nowhere'\n"
        "hint: build the base image first: west build -b BOARD -d nowhere\n1 error\n"
    )


def test_a_launcher_for_manifests_that_name_none(folder: Path, top: Path) -> None:
    """One that isn't there tells that it was asked for."""
    manifest = project(folder)
    text = manifest.read_text(encoding="utf-8").replace("objects: [demo.o]", "sources: [demo.c]")
    manifest.write_text(text, encoding="utf-8")
    (folder / "demo.c").write_text("int demo_run(void) { return 1; }\n", encoding="utf-8")
    with settings(top, {"llext.launcher": "no-such-cache --quiet"}):
        ran = west("llext", "build", folder=folder)
    assert ran.status == 3
    assert "error[T003]: launcher 'no-such-cache' isn't on PATH" in ran.err


def test_values_that_are_no_use_are_all_named(folder: Path, top: Path) -> None:
    """The exit status is that of a wrong option."""
    project(folder)
    values = {
        "llext.jobs": "many",
        "llext.allow-outside": "perhaps",
        "llext.format": "xml",
        "llext.launcher": "'ccache",
    }
    with settings(top, values):
        ran = west("llext", "build", folder=folder)
    assert (ran.status, ran.out) == (2, "")
    hint = "hint: change it with 'west config {0} VALUE', or remove it: 'west config -d {0}'\n"
    assert ran.err == (
        "west config: error[O030]: setting 'llext.allow-outside': 'perhaps' is neither true nor "
        "false\n"
        + hint.format("llext.allow-outside")
        + "west config: error[O030]: setting 'llext.format': 'xml' is none of text, json, sarif, "
        "github\n"
        + hint.format("llext.format")
        + "west config: error[O030]: setting 'llext.jobs': 'many' isn't a number from 1 to 1024\n"
        + hint.format("llext.jobs")
        + "west config: error[O030]: setting 'llext.launcher': ''ccache' isn't a command: No "
        "closing quotation\n" + hint.format("llext.launcher") + "4 errors\n"
    )


def test_a_setting_that_does_not_exist_is_a_warning(folder: Path, top: Path) -> None:
    """It may be one of a newer version; the command does its work."""
    project(folder)
    with settings(top, {"llext.job": "3"}):
        ran = west("llext", "build", folder=folder)
    assert ran.status == 0
    assert ran.err == (
        "west config: warning[O031]: there is no setting 'llext.job'\n"
        "hint: did you mean 'llext.jobs'?\n1 warning\n"
    )


def test_files_outside_of_the_workspace(folder: Path, top: Path, tmp_path: Path) -> None:
    """`llext.allow-outside` is `--allow-outside`."""
    manifest = project(folder)
    outside = tmp_path / "demo.o"
    outside.write_bytes((folder / "demo.o").read_bytes())
    text = manifest.read_text(encoding="utf-8").replace("[demo.o]", f"[{outside}]")
    manifest.write_text(text, encoding="utf-8")
    for expected, value in ((1, "no"), (0, "true")):
        with settings(top, {"llext.allow-outside": value}):
            assert west("llext", "check", folder=folder).status == expected
