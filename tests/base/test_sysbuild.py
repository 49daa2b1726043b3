# SPDX-License-Identifier: Apache-2.0
"""Sysbuild's directories, as share/sysbuild/cmake/domains.cmake describes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from west_llext.base.builddir import BuildDir, build_dir, image_dir
from west_llext.diagnostics import LlextError
from west_llext.manifest.plain import plain

DOMAINS = """\
default: app
build_dir: TOP
domains:
  - name: app
    build_dir: TOP/app
  - name: mcuboot
    build_dir: TOP/mcuboot
flash_order:
  - mcuboot
  - app
"""


def built(folder: Path, board: str = "x") -> None:
    """The build directory of an image."""
    (folder / "zephyr").mkdir(parents=True)
    (folder / "CMakeCache.txt").write_text("ZEPHYR_BASE:PATH=/z\n", encoding="utf-8")
    (folder / "zephyr" / ".config").write_text(f'CONFIG_BOARD="{board}"\n', encoding="utf-8")
    (folder / "zephyr" / "zephyr.elf").write_bytes(b"ELF")


def sysbuild(folder: Path, domains: str = DOMAINS, top: Path | None = None) -> Path:
    """Sysbuild's directory with two images in it."""
    for name in ("app", "mcuboot"):
        built(folder / name, board=name)
    (folder / "CMakeCache.txt").write_text("ZEPHYR_BASE:PATH=/z\n", encoding="utf-8")
    text = domains.replace("TOP", str(top or folder))
    (folder / "domains.yaml").write_text(text, encoding="utf-8")
    return folder


def opened(folder: Path, domain: str | None = None) -> BuildDir:
    """What is read of a directory that messages call `build`."""
    return build_dir(folder, "build", document=plain, domain=domain)


def refusal(folder: Path, domain: str | None = None) -> str:
    """What is said of it."""
    with pytest.raises(LlextError) as caught:
        opened(folder, domain)
    return str(caught.value)


def test_the_default_domain_is_the_base_image(tmp_path: Path) -> None:
    """As for west flash and west debug."""
    found = opened(sysbuild(tmp_path / "build"))
    assert (found.path, found.name) == (tmp_path / "build" / "app", "build/app")
    assert found.config == {"CONFIG_BOARD": "app"}
    assert tmp_path / "build" / "domains.yaml" in found.digests


def test_another_domain_can_be_wanted(tmp_path: Path) -> None:
    """`--domain`."""
    assert opened(sysbuild(tmp_path), "mcuboot").config == {"CONFIG_BOARD": "mcuboot"}


def test_a_directory_that_was_moved_still_has_its_domains(tmp_path: Path) -> None:
    """The file has absolute paths, but CI moves folders from one job to the next."""
    found = opened(sysbuild(tmp_path / "build", top=Path("/gone/with/the/container")))
    assert found.path == tmp_path / "build" / "app"


def test_a_domain_may_be_built_elsewhere(tmp_path: Path) -> None:
    """Then it is named by its own path."""
    built(tmp_path / "other")
    domains = f"default: app\ndomains: [{{name: app, build_dir: {tmp_path / 'other'}}}]\n"
    found = opened(sysbuild(tmp_path / "build", domains))
    assert (found.path, found.name) == (tmp_path / "other", (tmp_path / "other").as_posix())


def test_the_first_domain_counts_where_none_is_the_default(tmp_path: Path) -> None:
    """Nobody writes such a file, but it says enough."""
    domains = "domains: [{name: mcuboot, build_dir: x}, {name: app, build_dir: y}]\n"
    assert opened(sysbuild(tmp_path, domains)).path == tmp_path / "mcuboot"


def test_a_domain_that_is_not_there(tmp_path: Path) -> None:
    """With those that are, and the nearest of them."""
    assert refusal(sysbuild(tmp_path), "mcubot") == (
        "build: error[B030]: build directory 'build' has no domain 'mcubot', it has 'app', "
        "'mcuboot'\nhint: did you mean 'mcuboot'?"
    )
    assert refusal(tmp_path, "net") == (
        "build: error[B030]: build directory 'build' has no domain 'net', it has 'app', 'mcuboot'"
    )


def test_a_domain_of_a_plain_directory(tmp_path: Path) -> None:
    """It has no image but its own."""
    built(tmp_path)
    assert refusal(tmp_path, "app") == (
        "build: error[B030]: build directory 'build' isn't one of sysbuild, so it has no domain "
        "'app'\nhint: leave '--domain' out"
    )


@pytest.mark.parametrize(
    "domains",
    [
        "default: app\n",
        "default: app\ndomains: app\n",
        "default: app\ndomains: [app]\n",
        "default: app\ndomains: [{name: app}]\n",
        "default: app\ndomains: [{name: [app], build_dir: x}]\n",
        "[]\n",
        "text\n",
    ],
)
def test_a_file_without_domains(domains: str, tmp_path: Path) -> None:
    """It wasn't sysbuild that wrote it."""
    assert refusal(sysbuild(tmp_path, domains)) == (
        "build/domains.yaml: error[B031]: it names no domains, expected a list 'domains' with "
        "'name' and 'build_dir'\nhint: build anew: west build --pristine"
    )


def test_a_file_that_is_no_yaml(tmp_path: Path) -> None:
    """The message has the place, as for a manifest."""
    found = refusal(sysbuild(tmp_path, "default: [\n"))
    assert found.startswith("build/domains.yaml:2:1: error[M001]: not valid YAML: ")


def test_the_directory_of_an_image_need_not_be_built(tmp_path: Path) -> None:
    """Tables are generated before."""
    (sysbuild(tmp_path) / "app" / "zephyr" / ".config").unlink()
    assert image_dir(tmp_path, "build", document=plain) == tmp_path / "app"
    assert image_dir(tmp_path / "new", "new", document=plain) == tmp_path / "new"
