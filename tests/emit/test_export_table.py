# SPDX-License-Identifier: Apache-2.0
"""The checked and sorted table that the generated code is made from."""

from __future__ import annotations

import tracemalloc
from pathlib import PurePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from west_llext.diagnostics import LlextError, Span
from west_llext.emit import exports_c, exports_h
from west_llext.emit.export_table import MAX_SYMBOL, commented, export_table
from west_llext.emit.exports_c import Flavour
from west_llext.emit.trim import Dropped, trimmed
from west_llext.model.manifest import Condition, ExportGroup, Name

FILE = PurePath("llext.yml")


def group(
    *names: str, group: str | None = None, when: str | None = None, line: int = 5
) -> ExportGroup:
    return ExportGroup(
        group=group,
        symbols=tuple(Name(name, Span(FILE, line, 7 + at)) for at, name in enumerate(names)),
        when=Condition(text=when, at=Span(FILE, line + 1, 13)) if when is not None else None,
        at=Span(FILE, line, 5),
    )


def test_entries_are_sorted_as_strcmp_has_it() -> None:
    """Bytes, not letters: digits, capitals, underscore, small letters."""
    table = export_table(
        [group("foo_bar", "foo1", "fooB", "foo"), group("_x", "Z", "abc", group="libc")],
        origin="llext.yml",
    )
    names = [each.name for each in table.entries]
    assert names == ["Z", "_x", "abc", "foo", "foo1", "fooB", "foo_bar"]
    groups = [each.group for each in table.entries]
    assert groups == ["LIBC", "LIBC", "LIBC", None, None, None, None]


def test_the_identity_is_over_names_and_conditions_only() -> None:
    """Order and groups don't count; SHA-256 typed from `printf 'a\\nb\\n' | sha256sum`."""
    expected = "911169ddaaf146aff539f58c26c489af3b892dff0fe283c1c264c65ae5aa59a2"
    one = export_table([group("b", "a")], origin="x")
    two = export_table([group("a", group="g"), group("b")], origin="y")
    conditional = export_table([group("a", "b", when="CONFIG_X")], origin="x")
    assert expected == one.identity
    assert one.identity == two.identity
    assert one.identity != conditional.identity


def test_every_bad_name_is_reported_in_order() -> None:
    """The whole texts."""
    with pytest.raises(LlextError) as caught:
        export_table(
            [
                group("ok", "a b", "1st", ""),
                group("ok", "defined", "x" * (MAX_SYMBOL + 1), line=9),
                group("fine", group='g"x', when="SENSOR", line=20),
            ],
            origin="llext.yml",
        )
    assert [str(each) for each in caught.value.diagnostics] == [
        "llext.yml:5:8: error[O006]: symbol name 'a b' is no C identifier",
        "llext.yml:5:9: error[O006]: symbol name '1st' is no C identifier",
        "llext.yml:5:10: error[O006]: symbol name '' is no C identifier",
        (
            "llext.yml:9:7: error[O007]: 'ok' is exported twice\n"
            "llext.yml:5:7: note: exported here, too\n"
            "hint: remove one of the two"
        ),
        "llext.yml:9:8: error[O006]: symbol name 'defined' belongs to the C preprocessor",
        "llext.yml:9:9: error[O006]: symbol name of 4096 characters is longer than 4095",
        (
            "llext.yml:21:13: error[O005]: 'SENSOR' can't be asked in C:"
            " it isn't a Kconfig expression\n"
            "hint: use a setting that depends on it, such as CONFIG_X"
        ),
        (
            "llext.yml:20:5: error[O006]: group name 'g\"x' holds more than letters, digits,"
            " '_' and '-'"
        ),
    ]


HOSTILE = [
    'x"); system("reboot"); ("',
    "x; int y",
    "x\n#error injected",
    "x*/",
    "x\\",
    "x)",
    "größe",
    "a.b",
    "a$b",
    "\u202ea",
    "\udc80",
    "x\0",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("flavour", Flavour)
def test_a_hostile_name_never_becomes_code(name: str, flavour: Flavour) -> None:
    """Refused by every emitter, whatever the manifest's own checks are."""
    for groups in ([group(name)], [group("x", group=name)]):
        for emit in (exports_c.text, exports_h.text):
            with pytest.raises(LlextError, match="O006"):
                emit(groups, flavour=flavour, origin="llext.yml")


@settings(deadline=None)
@given(st.text(max_size=60))
def test_a_hostile_origin_stays_in_its_comment(origin: str) -> None:
    """The comment ends where we end it, on its own line."""
    found = commented(origin)
    assert "*/" not in found
    assert "\n" not in found
    assert "\r" not in found
    assert found.isprintable()
    text = exports_c.text([group("x")], flavour=Flavour.STANDALONE, origin=origin)
    head = text.split("\n")[0]
    assert head.startswith("/* Made by west-llext from ")
    assert head.endswith(" */")
    assert head.count("*/") == 1


def test_trimming_keeps_what_is_needed_and_counts_the_rest() -> None:
    """On a 32-bit target an entry costs two pointers of 4 bytes, its name and a zero."""
    groups = [
        group("printk", "k_sleep"),
        group("memcpy", "memset", group="libc"),
        group("sensor_read", group="sensors", when="CONFIG_SENSOR"),
    ]
    result = trimmed(groups, {"printk", "memset", "unknown"}, bits=32)
    assert [(each.group, [name.text for name in each.symbols]) for each in result.groups] == [
        (None, ["printk"]),
        ("libc", ["memset"]),
    ]
    assert result.dropped == (
        Dropped("k_sleep", None, 8 + 8),
        Dropped("memcpy", "libc", 8 + 7),
        Dropped("sensor_read", "sensors", 8 + 12),
    )
    assert result.saved == 16 + 15 + 20
    assert trimmed(groups, {"printk"}, bits=64).dropped[0].size == 16 + 8


def test_groups_that_zephyr_does_not_know_are_exported() -> None:
    """LLEXT_EXPORT_SYMBOL_GROUP_<GROUP> must exist (Zephyr documentation, "Symbol Groups")."""
    groups = [group("a", group="libc"), group("b", group="my-sensors"), group("c")]
    setting = "CONFIG_LLEXT_EXPORT_SYMBOL_GROUP_MY_SENSORS"
    own = f"#ifndef {setting}\n#define {setting} 1\n#endif\n"
    for config in (None, {}, {"CONFIG_LLEXT": "y"}):
        text = exports_c.text(groups, flavour=Flavour.ZEPHYR, origin="llext.yml", config=config)
        assert text.count("#ifndef ") == 1
        assert own in text
    for value in ("y", "n"):
        config = {setting: value}
        text = exports_c.text(groups, flavour=Flavour.ZEPHYR, origin="llext.yml", config=config)
        assert "#ifndef" not in text


def test_names_of_a_group_share_its_condition() -> None:
    """25 MB of text, if each line of what the identity is over was there at once."""
    condition = " || ".join(f"CONFIG_{each:030}" for each in range(25))
    every = group(*(f"name_{each}" for each in range(20_000)), when=condition)
    tracemalloc.start()
    try:
        table = export_table([every], origin="llext.yml")
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    (guard, run), *_ = table.runs()
    assert (len(guard or "") > 1250, len(run)) == (True, 20_000)
