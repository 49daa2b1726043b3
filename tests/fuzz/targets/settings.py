# SPDX-License-Identifier: Apache-2.0
"""Build directories and Kconfig expressions.

The first byte chooses the file of the build directory that the rest is the text of, or an
expression to be decided by the others.
"""

from __future__ import annotations

from tests.fuzz.target import Target, attempt, scratch
from tests.fuzz.text_steps import text_mutated
from west_llext.app.bases import opened
from west_llext.base.config import config_settings
from west_llext.manifest.kconfig import (
    Expression,
    ExpressionError,
    holds,
    parse,
    settings,
)
from west_llext.model.manifest import Condition

_FILES = {
    "CMakeCache.txt": "# a cache\nCMAKE_C_COMPILER:FILEPATH=/usr/bin/cc\nZEPHYR_BASE:PATH=zephyr\n",
    "zephyr/.config": 'CONFIG_A=y\nCONFIG_B=3\n# CONFIG_C is not set\nCONFIG_S="a\\"b"\n',
    "zephyr/include/generated/zephyr/version.h": '#define KERNEL_VERSION_STRING "4.3.0"\n',
}
_EXPRESSION = '(CONFIG_A && !CONFIG_C) || CONFIG_B >= 0x2 && CONFIG_S != "x"'
_WORDS = (
    *("CONFIG_A", "CONFIG_", "=", "y", "n", "m", "is not set", "# ", '"', "\\", "\\\\", "\n", "\r"),
    *("&&", "||", "!", "!=", "<=", ">", "(", ")", "0x", "-1", "9" * 200, "(" * 60, "!" * 200, "'"),
    *(":STRING=", ":BOOL=ON", "../", "/", "é", "\x00", "#define KERNEL_VERSION_STRING"),
)


def seeds() -> dict[str, bytes]:
    """Each file, and an expression."""
    texts = [*_FILES.values(), _EXPRESSION, "y", "CONFIG_B = 3", "'a' != \"b\""]
    return {f"{number} {text[:12].strip()}": bytes([min(number, 3)]) + text.encode()
            for number, text in enumerate(texts)}  # fmt: skip


def run(data: bytes) -> bool:
    """Read the directory with the one file changed, or decide the expression."""
    choice, text = (data[0] if data else 0) % 4, data[1:]
    if choice == 3:
        return _decided(text.decode("utf-8", "replace"))
    folder = scratch("settings")
    for number, (name, content) in enumerate(_FILES.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if number == choice else content.encode())
    (folder / "zephyr" / "zephyr.elf").touch()
    found = attempt(lambda: opened(folder, "build"))
    if found is None:
        return False
    assert found.image.is_relative_to(folder)
    return True


def _decided(text: str) -> bool:
    try:
        expression = parse(text)
    except ExpressionError as err:
        column = err.column
    else:
        return _decided_by(expression, text)
    assert 0 <= column <= len(text)
    return False


def _decided_by(expression: Expression, text: str) -> bool:
    condition = Condition(text=text)
    for config in (
        {},
        config_settings(_FILES["zephyr/.config"]),
        dict.fromkeys(settings(expression), "m"),
    ):
        holds(condition, config)
    return True


TARGET = Target(name="settings", seeds=seeds, run=run, mutate=text_mutated(_WORDS), longest=1 << 12)
