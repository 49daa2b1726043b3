# SPDX-License-Identifier: Apache-2.0
"""Names in the manifest's exports that the base image doesn't define: S014, whole texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

import pytest

from west_llext.base.declared import undefined_exports
from west_llext.diagnostics import Severity, Span
from west_llext.model.base import Abi, BaseImage, SymbolIndex
from west_llext.model.elf import Ident
from west_llext.model.manifest import Condition, ExportGroup, Name

DEFINED = ("printk", "k_uptime_get", "memcpy")


def base(exports: Sequence[str] | None = None, names: Sequence[str] = DEFINED) -> BaseImage:
    """An image that defines some symbols, and has a table of some names, or none."""
    rows = {name: row for row, name in enumerate(names)}
    table: Mapping[str, int] | None = None if exports is None else dict.fromkeys(exports, 1)
    return BaseImage(
        name="base.elf",
        digest="",
        abi=Abi(ident=Ident(machine=40, bits=32, little=True, flags=0)),
        symbols=SymbolIndex(
            find=lambda _: dict(rows), raw=bytes(16 * len(rows)), bits=32, order="<"
        ),
        exports=table,
        local=frozenset({"helper", "__aeabi_memclr"}),
        hidden=frozenset({"__aeabi_memclr"}),
    )


def group(*names: str, when: str | None = None) -> ExportGroup:
    """Some exports, each in a line of its own."""
    spans = [Span(PurePath("llext.yml"), 5 + number, 17) for number in range(len(names))]
    return ExportGroup(
        group=None,
        symbols=tuple(map(Name, names, spans)),
        when=None if when is None else Condition(text=when),
    )


def texts(image: BaseImage, *groups: ExportGroup) -> list[str]:
    """Every finding, whole; CONFIG_Y is set and nothing else."""
    found = undefined_exports(image, groups, lambda condition: condition.text == "CONFIG_Y")
    assert {each.severity for each in found} <= {Severity.WARNING}
    return [str(each) for each in found]


@pytest.mark.parametrize("table", [None, DEFINED], ids=["no table", "table"])
def test_each_name_that_is_not_defined_is_a_warning(table: Sequence[str] | None) -> None:
    """A slip with what was meant, a static function with what to do, anything else."""
    assert texts(base(table), group("printk", "printkk", "helper", "nothing_like_it")) == [
        """\
llext.yml:6:17: warning[S014]: the manifest exports 'printkk', but base image 'base.elf' doesn't \
define it
hint: did you mean 'printk'?""",
        """\
llext.yml:7:17: warning[S014]: the manifest exports 'helper', but base image 'base.elf' doesn't \
define it as a global symbol (it is static)
hint: remove 'static' there""",
        """\
llext.yml:8:17: warning[S014]: the manifest exports 'nothing_like_it', but base image 'base.elf' \
doesn't define it
hint: define it there, or remove it from 'base.exports'""",
    ]


def test_what_the_table_has_is_there_under_whatever_name() -> None:
    """Link time optimisation renames symbols; a hidden one is local in the image."""
    names = ("printk", "renamed", "__aeabi_memclr")
    assert texts(base(("printk", "renamed")), group(*names)) == []


def test_a_group_that_is_switched_off_does_not_count() -> None:
    """Its names needn't be there; one that is on counts."""
    off, on = group("sensor_read", when="CONFIG_S"), group("uart_read", when="CONFIG_Y")
    assert [text.split("'")[1] for text in texts(base(), off, on)] == ["uart_read"]


def test_nothing_is_said_of_an_image_that_was_built_with_another_list() -> None:
    """The linker may have dropped what a trimmed table doesn't need; a name is said once."""
    names = group("printk", "k_uptime_get", "dropped", "dropped")
    assert texts(base(("printk",)), names) == []
    assert len(texts(base(("printk", "k_uptime_get")), names)) == 1


def test_a_wrong_image_is_no_reason_to_search_for_hours() -> None:
    """Names that look alike are searched for the first 20 only."""
    found = texts(base(), group(*(f"prin{number}tk" for number in range(30))))
    assert [text.endswith("'printk'?") for text in found] == [True] * 20 + [False] * 10
