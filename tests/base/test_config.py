# SPDX-License-Identifier: Apache-2.0
"""Kconfig settings, in the forms that Kconfig writes."""

from __future__ import annotations

from west_llext.base.config import config_settings


def test_settings_of_a_config_file() -> None:
    """The forms that Kconfig writes, from a generated .config; anything else is a comment."""
    text = (
        "#\n# Automatically generated file; DO NOT EDIT.\n#\n"
        "CONFIG_LLEXT=y\nCONFIG_LLEXT_HEAP_SIZE=64\nCONFIG_FLASH_BASE_ADDRESS=0x8000000\n"
        '# CONFIG_SHELL is not set\nCONFIG_BOARD="mps2"\n'
        'CONFIG_QUOTED="say \\"hi\\" \\\\o/"\nCONFIG_NOTHING=""\n\n# end of Menu\nnoise\n'
        "CONFIG_CRLF=y\r\n"
    )
    assert config_settings(text) == {
        "CONFIG_LLEXT": "y",
        "CONFIG_LLEXT_HEAP_SIZE": "64",
        "CONFIG_FLASH_BASE_ADDRESS": "0x8000000",
        "CONFIG_SHELL": "n",
        "CONFIG_BOARD": "mps2",
        "CONFIG_QUOTED": 'say "hi" \\o/',
        "CONFIG_NOTHING": "",
        "CONFIG_CRLF": "y",
    }
