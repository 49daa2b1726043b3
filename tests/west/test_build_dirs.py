# SPDX-License-Identifier: Apache-2.0
"""The build directory of `west llext` is the one that `west build` and `west flash` take."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support.project import SYMBOLS, base_elf, demo_object
from support.workspaces import settings, succeeded, west
from support.zephyrbuild import build_dir, sysbuild

MANIFEST = """\
version: 1
extensions:
  - name: demo
    objects: [demo.o]
    mode: bound
    exports: [demo_run]
"""


@pytest.fixture
def app(folder: Path) -> Path:
    """An application with an extension for a base image that its manifest doesn't name."""
    (folder / "llext.yml").write_text(MANIFEST, encoding="utf-8")
    (folder / "demo.o").write_bytes(demo_object())
    return folder


def used(folder: Path, *words: str, environment: dict[str, str] | None = None) -> int:
    """Where the extension that was built thinks `printk` is: it tells the base image."""
    succeeded(west("llext", "build", *words, folder=folder, environment=environment))
    blob = next(folder.glob("**/build/llext/demo.llext"), None)
    assert blob is not None
    report = west("llext", "info", "--json", os.fspath(blob), folder=folder)
    (described,) = json.loads(succeeded(report))["result"]["files"]
    (found,) = [each for each in described["imports"] if each["name"] == "printk"]
    return int(found["address"])


def image(address: int) -> bytes:
    """A base image with `printk` there."""
    return base_elf({**SYMBOLS, "printk": address})


def test_build_below_the_current_folder(app: Path) -> None:
    """Where nothing is set."""
    build_dir(app / "build", image=image(0x1041))
    assert used(app) == 0x1041


def test_the_current_folder(app: Path) -> None:
    """`cd build; west llext build`: the manifest is that of the nearest folder above."""
    build_dir(app / "build", image=image(0x1041))
    succeeded(west("llext", "build", folder=app / "build"))
    assert (app / "build" / "llext" / "demo.llext").is_file()


def test_a_folder_of_sources(app: Path) -> None:
    """Nothing is built there, but beside the manifest there is."""
    build_dir(app / "build", image=image(0x1041))
    (app / "src").mkdir()
    succeeded(west("llext", "build", folder=app / "src"))


def test_the_option_goes_first(app: Path) -> None:
    """`-d`."""
    build_dir(app / "build", image=image(0x1041))
    build_dir(app / "other", image=image(0x1061))
    assert used(app, "-d", "other") == 0x1061


def test_the_manifest_goes_before_what_west_would_take(app: Path) -> None:
    """It names its base image."""
    build_dir(app / "build", image=image(0x1041))
    build_dir(app / "mine", image=image(0x1081))
    text = MANIFEST.replace("version: 1\n", "version: 1\nbase: {build-dir: mine}\n")
    (app / "llext.yml").write_text(text, encoding="utf-8")
    assert used(app) == 0x1081


def test_the_form_of_the_workspace(app: Path) -> None:
    """`west config build.dir-fmt`, with the board that `west build` would take."""
    build_dir(app / "out" / "mps2_an385" / app.name, image=image(0x1041))
    build_dir(app / "out" / "other" / app.name, image=image(0x1061))
    values = {"build.dir-fmt": "out/{board}/{app}", "build.board": "mps2_an385"}
    with settings(app.parent, values):
        assert used(app) == 0x1041
        assert used(app, environment={"BOARD": "other"}) == 0x1061


def test_a_board_that_is_guessed(app: Path) -> None:
    """`west config build.guess-dir runners`."""
    build_dir(app / "out" / "mps2_an385", image=image(0x1041))
    values = {"build.dir-fmt": "out/{board}", "build.guess-dir": "runners"}
    with settings(app.parent, values):
        assert used(app) == 0x1041


def test_the_domains_of_sysbuild(app: Path) -> None:
    """The default one, or the one that is asked for."""
    sysbuild(app / "build", {"app": image(0x1041), "net": image(0x1061)}, default="app")
    assert used(app) == 0x1041
    assert used(app, "--domain", "net") == 0x1061
    assert used(app, "-d", "build", "--domain", "app") == 0x1041
    ran = west("llext", "build", "--domain", "nett", folder=app)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == (
        "build: error[B030]: build directory 'build' has no domain 'nett', it has 'app', 'net'\n"
        "hint: did you mean 'net'?\n1 error\n"
    )


def test_a_directory_without_an_image_is_named_where_one_is_needed(app: Path) -> None:
    """Configured, not built: what needs no base image goes on without it."""
    build_dir(app / "build")
    (app / "build" / "zephyr" / "zephyr.elf").unlink()
    ran = west("llext", "build", folder=app)
    assert (ran.status, ran.out) == (3, "")
    assert ran.err == (
        "build: error[B002]: build directory 'build' has no image: 'zephyr/zephyr.elf' isn't "
        "there\nhint: build the base image: west build -d build\n1 error\n"
    )
    text = MANIFEST.replace("bound", "relocatable").replace(
        "version: 1\n", "version: 1\nbase: {exports: [printk]}\n"
    )
    (app / "llext.yml").write_text(text, encoding="utf-8")
    succeeded(west("llext", "build", folder=app))


def test_the_table_is_zephyr_s_where_there_is_a_build_directory(app: Path) -> None:
    """Configured is enough: the table goes into the image."""
    build_dir(app / "build")
    (app / "build" / "zephyr" / "zephyr.elf").unlink()
    text = "version: 1\nbase: {exports: [{symbols: [printk], when: CONFIG_LLEXT}]}\n"
    (app / "llext.yml").write_text(text, encoding="utf-8")
    out = succeeded(west("llext", "exports", folder=app))
    assert out.startswith("1 symbol (zephyr): ")


def test_a_base_image_that_was_built_anew_is_noticed(app: Path) -> None:
    """The second build has something to do exactly then."""
    build_dir(app / "build", image=image(0x1041))
    assert "written" in succeeded(west("llext", "build", folder=app))
    assert succeeded(west("llext", "build", folder=app)) == "1 extension: nothing to do\n"
    build_dir(app / "build", image=image(0x1061))
    assert used(app) == 0x1061
