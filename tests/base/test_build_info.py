# SPDX-License-Identifier: Apache-2.0
"""build_info.yml as scripts/schemas/build-schema.yml of Zephyr describes it."""

from __future__ import annotations

from typing import Any

import pytest

from west_llext.base.build_info import BuildInfo, build_info
from west_llext.manifest.plain import plain

TEXT = b"""\
cmake:
  application:
    configuration-dir: '/ws/app'
    source-dir: '/ws/app'
  board:
    name: mps2
  llext-edk:
    cflags: ['-DKERNEL', '-mcpu=cortex-m3', '-imacros', '/b/zephyr/autoconf.h']
    file: '/b/zephyr/llext-edk.tar.xz'
    include-dirs:
      - '/b/zephyr/include/generated/zephyr'
      - '/ws/zephyr/include'
  zephyr:
    version: 4.3.0
version: 0.1.0
west:
  topdir: '/ws'
"""


def test_flags_folders_and_places() -> None:
    """What a build with LLEXT writes."""
    assert build_info(plain(TEXT, "build_info.yml")) == BuildInfo(
        application="/ws/app",
        top="/ws",
        words=(
            *("-DKERNEL", "-mcpu=cortex-m3", "-imacros", "/b/zephyr/autoconf.h"),
            *("-I/b/zephyr/include/generated/zephyr", "-I/ws/zephyr/include"),
        ),
    )


@pytest.mark.parametrize(
    "document",
    [
        None,
        "text",
        [],
        {},
        {"cmake": []},
        {"cmake": {"llext-edk": "x", "application": {"source-dir": ["x"]}}},
        {"cmake": {"llext-edk": {"include-dirs": ["/ws"]}}},
        {"west": {"topdir": {}}},
    ],
)
def test_what_has_another_shape_tells_nothing(document: Any) -> None:
    """Not every release writes everything."""
    assert build_info(document) == BuildInfo()


def test_one_flag_may_stand_alone() -> None:
    """CMake writes a list of one as a text."""
    assert build_info({"cmake": {"llext-edk": {"cflags": "-mthumb"}}}).words == ("-mthumb",)
