# SPDX-License-Identifier: Apache-2.0
"""What a base image's build left behind is read in steps as many as it is long."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from support.counting import LINEAR, growth

from west_llext.base.compile_commands import split_command
from west_llext.base.llext_targets import llext_targets
from west_llext.base.why import why_missing
from west_llext.model.base import Reason
from west_llext.model.manifest import Condition, ExportGroup, Name


def test_a_word_of_many_escapes_is_split_at_once() -> None:
    """Half a million would take minutes, if each copied what came before."""
    assert split_command('x \\"' + '\\"' * 500_000) == ["x", '"' * 500_001]


def test_a_target_of_many_sources(tmp_path: Path) -> None:
    """Each is looked up, not compared with all before it; one that is there twice counts once."""

    def case(size: int) -> Callable[[], object]:
        entries = [
            {
                "directory": "/ws",
                "file": f"{each}.c",
                "arguments": ["gcc", "-o", "CMakeFiles/big_llext_lib.dir/x.obj"],
            }
            for each in range(size)
        ]
        database = json.dumps([*entries, *entries]).encode()
        (found,) = llext_targets(tmp_path, database)
        assert found.sources == tuple(Path(f"/ws/{each}.c") for each in range(size))
        return lambda: llext_targets(tmp_path, database)

    assert growth(case, 50) < LINEAR


def test_a_condition_is_asked_once_for_its_group() -> None:
    """Not for each of its symbols, of which a manifest can have 400,000."""
    asked = []

    def holds(condition: Condition) -> bool:
        asked.append(condition.text)
        return condition.text == "CONFIG_ON"

    groups = [
        ExportGroup(
            group=text,
            when=Condition(text=text),
            symbols=tuple(Name(f"{text}_{each}") for each in range(100)),
        )
        for text in ("CONFIG_ON", "CONFIG_OFF")
    ]
    why = why_missing(None, groups, holds)
    assert asked == ["CONFIG_ON", "CONFIG_OFF"]
    assert why("CONFIG_ON_99").reason is Reason.NOT_BUILT_IN
    assert why("CONFIG_OFF_99").reason is Reason.SWITCHED_OFF
