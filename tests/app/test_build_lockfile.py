# SPDX-License-Identifier: Apache-2.0
"""The lock file: what is placed stays where it is, whatever becomes of the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.workshop import RAM, Part, Workshop

from west_llext.app.build import build
from west_llext.diagnostics import LlextError

#: Address by extension and memory.
Addresses = dict[tuple[str, str], int]
#: Changes the parts of a workshop.
Edit = Callable[[list[Part]], list[Part]]


def parts(count: int = 6) -> list[Part]:
    """Prelocated extensions of several sizes."""
    return [Part(name=f"e{each}", code=40 + 12 * each, data=20 * each) for each in range(count)]


def addresses(workshop: Workshop) -> Addresses:
    """Where the report says that the regions are: of each extension, its lowest in each memory."""
    report = json.loads((workshop.output / "llext-build.json").read_text(encoding="utf-8"))
    found: Addresses = {}
    for extension in report["extensions"]:
        for region in extension["regions"].values():
            if "address" in region:
                key = extension["name"], region["memory"]
                address = int(region["address"], 0)
                found[key] = min(address, found.get(key, address))
    return found


def grown(found: list[Part]) -> list[Part]:
    """The third one needs more of everything."""
    found[2] = replace(found[2], code=400, data=400, bss=64)
    return found


def shrunk(found: list[Part]) -> list[Part]:
    """The third one needs less."""
    found[2] = replace(found[2], code=4, data=4)
    return found


def with_another_in_front(found: list[Part]) -> list[Part]:
    """A new one, first in the manifest."""
    return [Part(name="new", code=100, data=50), *found]


EDITS: dict[str, Edit] = {
    "adding": with_another_in_front,
    "growing": grown,
    "shrinking": shrunk,
    "removing": lambda found: [*found[:2], *found[3:]],
    "reordering": lambda found: found[::-1],
    "adding and growing": lambda found: with_another_in_front(grown(found)),
    "removing and adding": lambda found: [*found[:2], *with_another_in_front(found[3:])],
}


@pytest.mark.parametrize("edit", list(EDITS.values()), ids=list(EDITS))
def test_an_edit_moves_no_other_extension(edit: Edit, tmp_path: Path) -> None:
    """What a device holds of the others stays right; only the edited one may move."""
    workshop = Workshop(tmp_path, parts())
    workshop.build()
    before = addresses(workshop)
    workshop.parts = edit(parts())
    workshop.build()
    after = addresses(workshop)
    stay = {key for key in before.keys() & after.keys() if key[0] != "e2"}
    assert {key: before[key] for key in stay} == {key: after[key] for key in stay}
    assert len(stay) >= 10


@pytest.mark.parametrize("edit", [grown, shrunk], ids=["growing", "shrinking"])
def test_addresses_come_back_with_the_content(edit: Edit, tmp_path: Path) -> None:
    """Nothing accumulates: an edit that is undone leaves no trace where nobody moved."""
    workshop = Workshop(tmp_path, [*parts(2), Part(name="e2")])
    workshop.build()
    before = workshop.outputs()
    workshop.parts = edit(workshop.parts)
    workshop.build()
    workshop.parts = [*parts(2), Part(name="e2")]
    workshop.build()
    assert before == workshop.outputs()


def test_a_new_clone_with_the_lock_file_has_the_same_addresses(tmp_path: Path) -> None:
    """The lock file alone decides, not what happens to be in the output folder."""
    first = Workshop(tmp_path / "first", parts())
    first.build()
    first.parts = with_another_in_front(parts())
    first.build()
    clone = Workshop(tmp_path / "clone", first.parts)
    clone.write()
    clone.lock.write_bytes(first.lock.read_bytes())
    clone.build()
    assert first.outputs() == clone.outputs()


def test_without_the_lock_file_everything_is_placed_in_the_order_of_the_manifest(
    tmp_path: Path,
) -> None:
    """The remedy that messages offer works, and the next build doesn't need it any more."""
    workshop = Workshop(tmp_path, with_another_in_front(parts()))
    workshop.build()
    expected = addresses(workshop)
    other = Workshop(tmp_path / "other", parts())
    other.build()
    other.parts = with_another_in_front(parts())
    other.build()
    assert addresses(other) != expected
    other.lock.unlink()
    other.build()
    assert addresses(other) == expected


def test_a_build_of_one_extension_keeps_the_rows_and_places_of_the_others(tmp_path: Path) -> None:
    """Also of those whose blobs were never in this output folder."""
    workshop = Workshop(tmp_path, parts())
    workshop.build()
    rows = workshop.lock.read_text(encoding="utf-8")
    workshop.build("e3")
    assert rows == workshop.lock.read_text(encoding="utf-8")
    workshop.parts = with_another_in_front(parts())
    workshop.build("new")
    new = {key: value for key, value in addresses(workshop).items() if key[0] == "new"}
    before = json.loads(rows)["blocks"]
    for (_, memory), address in new.items():
        taken = [
            range(int(row["address"], 0), int(row["address"], 0) + row["size"])
            for row in before
            if row["memory"] == memory
        ]
        assert not any(address in each for each in taken)
    locked = workshop.lock.read_text(encoding="utf-8")
    workshop.build()
    assert locked == workshop.lock.read_text(encoding="utf-8")


def test_rows_go_with_their_extension(tmp_path: Path) -> None:
    """Removed, or not prelocated any more: what it had is free, and the file ends up as if new."""
    workshop = Workshop(tmp_path, [*parts(3), Part(name="last")])
    workshop.build()
    workshop.parts = [*parts(3), Part(name="last", mode="bound")]
    workshop.build()
    other = Workshop(tmp_path / "other", parts(3))
    other.build()
    assert other.lock.read_bytes() == workshop.lock.read_bytes()


def test_the_lock_file_is_text_a_block_a_line_and_sorted(tmp_path: Path) -> None:
    """So that two branches that add an extension each can be merged line by line."""
    workshop = Workshop(tmp_path, [Part(name="b", code=8), Part(name="a", code=8)])
    workshop.build()
    assert workshop.lock.read_bytes() == (
        b'{"schema": 1, "blocks": [\n'
        b'{"extension": "a", "memory": "ram", "address": "0x2010001c", "size": 28},\n'
        b'{"extension": "a", "memory": "rom", "address": "0x100020", "size": 32},\n'
        b'{"extension": "b", "memory": "ram", "address": "0x20100000", "size": 28},\n'
        b'{"extension": "b", "memory": "rom", "address": "0x100000", "size": 32}\n'
        b"]}\n"
    )


def test_without_prelocated_extensions_there_is_no_lock_file(tmp_path: Path) -> None:
    """Nobody should wonder what to do with an empty one."""
    workshop = Workshop(
        tmp_path, [Part(name="a", mode="bound"), Part(name="b", mode="relocatable")]
    )
    workshop.build()
    assert not workshop.lock.exists()


DAMAGED = {
    "empty": "",
    "no JSON": "{",
    "of another kind": "[]",
    "of a newer version": '{"schema": 2, "blocks": []}',
    "with a conflict": '{"schema": 1, "blocks": [\n<<<<<<< HEAD\n]}\n',
    "with a word for a number": '{"schema": 1, "blocks": [{"extension": "a", "memory": "rom", '
    '"address": "here", "size": 1}]}',
    "with a negative size": '{"schema": 1, "blocks": [{"extension": "a", "memory": "rom", '
    '"address": "0", "size": -1}]}',
    "with a huge address": '{"schema": 1, "blocks": [{"extension": "a", "memory": "rom", '
    f'"address": "0x{"f" * 17}", "size": 1}}]}}',
    "with a row that lacks a key": '{"schema": 1, "blocks": [{"extension": "a"}]}',
    "nested beyond reason": "[" * 100_000,
}


@pytest.mark.parametrize("text", list(DAMAGED.values()), ids=list(DAMAGED))
def test_a_damaged_lock_file_is_refused_and_left_alone(text: str, tmp_path: Path) -> None:
    """Guessing would move extensions; nothing is written, and `check` says the same."""
    workshop = Workshop(tmp_path, parts(2))
    workshop.build()
    workshop.lock.write_text(text, encoding="utf-8")
    expected = (
        "llext.lock: error[P003]: 'llext.lock' isn't a lock file of schema 1\n"
        "hint: restore it from version control; without it, everything is placed anew"
    )
    workshop.parts[0] = replace(workshop.parts[0], seed=1)
    assert [expected] == workshop.failure()
    assert text == workshop.lock.read_text(encoding="utf-8")
    assert [expected] == [str(each) for each in workshop.check().findings]


def test_a_damaged_lock_file_is_named_as_the_manifest_is(tmp_path: Path) -> None:
    """A message has to lead to the file from where the user is."""
    workshop = Workshop(tmp_path, parts(1))
    workshop.write()
    workshop.lock.write_text("x", encoding="utf-8")
    with pytest.raises(LlextError, match=r"^apps/fir/llext\.lock: error\[P003\]: 'apps/fir/"):
        build(replace(workshop.request(), display="apps/fir/llext.yml"))


def test_rows_that_dont_fit_together_are_placed_anew(tmp_path: Path) -> None:
    """As a careless merge leaves them: the first in the manifest stays, the other one moves."""
    workshop = Workshop(tmp_path, parts(2))
    workshop.write()
    rows = [
        '{"extension": "e0", "memory": "rom", "address": "0x100100", "size": 64}',
        '{"extension": "e1", "memory": "rom", "address": "0x100110", "size": 76}',
        '{"extension": "e1", "memory": "ram", "address": "0x10", "size": 40}',
        '{"extension": "e0", "memory": "ram", "address": "0x20100003", "size": 8}',
    ]
    workshop.lock.write_text(
        '{"schema": 1, "blocks": [\n' + ",\n".join(rows) + "\n]}\n", encoding="utf-8"
    )
    workshop.build()
    assert addresses(workshop) == {
        ("e0", "rom"): 0x100100,
        ("e1", "rom"): 0x100000,
        ("e0", "ram"): 0x20100000,
        ("e1", "ram"): 0x2010000C,
    }


def test_a_lock_file_that_cant_be_written_stops_the_build_before_any_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest's folder may be somebody else's: then no output may be newer than the file."""
    workshop = Workshop(tmp_path, parts(2))
    workshop.build()
    workshop.parts = with_another_in_front(parts(2))
    workshop.write()

    def refuse(path: str, data: bytes) -> None:
        if ".llext.lock." in path:
            raise PermissionError(13, "Permission denied", path)
        create(path, data)

    from west_llext.emit import files

    create = files.create
    monkeypatch.setattr(files, "create", refuse)
    assert workshop.failure() == [
        (
            f"{workshop.lock.as_posix()}: error[O001]: can't write '{workshop.lock.as_posix()}': "
            "Permission denied\nhint: it stays beside the manifest: build once where that can be "
            "written, and commit it"
        )
    ]
    monkeypatch.undo()
    workshop.build()
    assert b'"new"' in workshop.lock.read_bytes()


def test_a_manifest_called_lock_is_not_overwritten(tmp_path: Path) -> None:
    """`-m foo.lock` is odd, and no reason to destroy the manifest."""
    workshop = Workshop(tmp_path, parts(1))
    workshop.write()
    odd = tmp_path / "foo.lock"
    odd.write_bytes(workshop.manifest.read_bytes())
    build(replace(workshop.request(), manifest=odd, display="foo.lock"))
    assert odd.read_bytes() == workshop.manifest.read_bytes()
    assert (tmp_path / "foo.lock.lock").exists()


def test_check_places_as_the_build_would_and_writes_no_lock_file(tmp_path: Path) -> None:
    """A full memory is an error of both, with the same words."""
    workshop = Workshop(tmp_path, [Part(name=name, code=80) for name in "abc"])
    workshop.memory = ("{name: rom, address: 0x00100000, size: 256, access: rx}", RAM)
    expected = (
        "llext.yml:20:11: error[P001]: extension 'c' needs 104 bytes (4-aligned) in memory 'rom', "
        "48 of 256 are free, 48 in one piece\n"
        "hint: make 'rom' larger, or place something elsewhere"
    )
    assert [expected] == workshop.failure()
    assert [expected] == [str(each) for each in workshop.check().findings]
    assert not workshop.lock.exists()
