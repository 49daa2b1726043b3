# SPDX-License-Identifier: Apache-2.0
"""The Kconfig settings of a base image: `zephyr/.config`, as Kconfig writes it."""

from __future__ import annotations

import re

_SETTING = re.compile(r"(CONFIG_[A-Za-z0-9_]+)=(.*)")
_UNSET = re.compile(r"# (CONFIG_[A-Za-z0-9_]+) is not set")
_ESCAPE = re.compile(r"\\(.)")


def config_settings(text: str) -> dict[str, str]:
    """The settings of a .config file: text by name, strings without quotes, `n` for unset ones."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if match := _SETTING.fullmatch(line):
            value = match[2]
            if len(value) > 1 and value[0] == value[-1] == '"':
                value = _ESCAPE.sub(r"\1", value[1:-1])
            found[match[1]] = value
        elif match := _UNSET.fullmatch(line):
            found[match[1]] = "n"
    return found
