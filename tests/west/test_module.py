# SPDX-License-Identifier: Apache-2.0
"""What Zephyr's build reads of this repository."""

from __future__ import annotations

import yaml
from support.commands import ROOT

#: Keys of zephyr/module.yml that Zephyr 3.5 knows (scripts/zephyr_module.py): its schema is closed,
#: so that any other would break every build of the workspace. All later releases know them, too.
KEYS = {"name", "build", "tests", "samples", "boards", "blobs"}


def test_the_module_file_has_nothing_that_an_old_release_refuses() -> None:
    """Zephyr 3.5 to main."""
    module = yaml.safe_load((ROOT / "zephyr" / "module.yml").read_text(encoding="utf-8"))
    assert set(module) <= KEYS
    assert module["name"] == "west-llext"


def test_what_the_module_file_names_is_there() -> None:
    """Zephyr's build stops where it isn't."""
    module = yaml.safe_load((ROOT / "zephyr" / "module.yml").read_text(encoding="utf-8"))
    build = module.get("build", {})
    if "cmake" in build:
        assert (ROOT / build["cmake"] / "CMakeLists.txt").is_file()
    if "kconfig" in build:
        assert (ROOT / build["kconfig"]).is_file()
    for key in ("tests", "samples", "boards"):
        assert all((ROOT / path).is_dir() for path in module.get(key, []))


def test_what_zephyr_s_test_runner_finds_is_all_that_there_is() -> None:
    """It looks below these folders for descriptions, and nothing else has one."""
    module = yaml.safe_load((ROOT / "zephyr" / "module.yml").read_text(encoding="utf-8"))
    named = [*module["samples"], *module["tests"]]
    found = {
        path.parent.relative_to(ROOT).as_posix()
        for folder in named
        for name in ("sample.yaml", "testcase.yaml")
        for path in (ROOT / folder).rglob(name)
    }
    assert found == {"samples/zephyr/hello", "samples/zephyr/xip", "tests/zephyr"}


def test_the_name_at_the_top_leads_to_the_module_file() -> None:
    """A symbolic link, or a file with the path in it where git makes no links."""
    top = ROOT / "zephyr-module.yml"
    if top.is_symlink():
        assert top.resolve() == (ROOT / "zephyr" / "module.yml").resolve()
    else:
        assert top.read_text(encoding="utf-8").strip() == "zephyr/module.yml"
