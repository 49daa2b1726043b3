# SPDX-License-Identifier: Apache-2.0
"""Four times as much to link takes about four times the work, not sixteen times.

Instructions are counted (`support.counting`), so that no clock and no machine plays a part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from support.counting import LINEAR, growth
from support.elfbuild import (
    ET_DYN,
    FUNC,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    Rel,
    Sec,
    Sym,
    elf,
)
from support.linking import Case, extension, machine_for, offer

from west_llext.elf.read import object_file
from west_llext.link.resolve import Offered, Peer, Peers
from west_llext.link.shared import relocatable
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

TEXT = Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, size=4)


def test_exports_that_nothing_defines() -> None:
    """The symbols of the object are looked through once, not once for each."""

    def case(size: int) -> Callable[[], object]:
        content = elf(
            sections=[TEXT],
            symbols=[Sym(name=f"there_{each}", type=FUNC, section=".text") for each in range(size)],
        )
        obj = object_file(content, "unit.o")
        wanted = extension(mode=Mode.BOUND, exports=[f"absent_{each}" for each in range(size)])
        base = offer([])
        return lambda: Case(extension=wanted, base=base).link(obj)

    assert growth(case, 100) < LINEAR


def needy(size: int) -> bytes:
    """An object with a pointer to each of so many undefined symbols."""
    rows = [Rel(offset=4 * each, type=2, symbol=each + 1) for each in range(size)]
    return elf(
        sections=[Sec(name=".data", size=4 * size, relocations=rows)],
        symbols=[Sym(name=f"wanted_{each}") for each in range(size)],
    )


def test_symbols_that_other_extensions_may_have() -> None:
    """What all of them export is put in order once, not looked through for each symbol."""

    def case(size: int) -> Callable[[], object]:
        obj = object_file(needy(size), "unit.o")
        exports = {"other": Offered(Region.TEXT, 0, 1, function=True)}
        peers = {
            f"e{each}": Peer(name=f"e{each}", mode=Mode.BOUND, memory=None, exports=exports)
            for each in range(size)
        }
        linking = Case(extension=extension(mode=Mode.BOUND), base=offer([]), peers=peers)
        return lambda: linking.link(obj)

    assert growth(case, 50) < LINEAR


def test_extensions_that_import_from_another() -> None:
    """Who imports from whom is found out once, not for each extension that lacks something."""

    def case(size: int) -> Callable[[], object]:
        peers = Peers(
            {
                f"e{each}": Peer(
                    name=f"e{each}",
                    mode=Mode.BOUND,
                    memory=None,
                    exports={},
                    imports_from=(f"e{each ^ 1}",),
                )
                for each in range(size)
            }
        )
        return lambda: [peers.importers(name) for name in peers]

    assert growth(case, 100) < LINEAR


class Sliced(bytes):
    """Bytes that count how many of them are copied."""

    copied = 0

    def __getitem__(self, key):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204  as of bytes
        found = super().__getitem__(key)
        if isinstance(key, slice):
            self.copied += len(found)
        return found


def test_relocations_of_a_shared_object_look_at_their_own_words() -> None:
    """Not at a copy of the section for each."""
    rows = [Rel(offset=0x1000 + 4 * each, type=5, addend=0x1000) for each in range(500)]
    content = elf(
        machine=94,
        flags=0x300,
        file_type=ET_DYN,
        sections=[
            Sec(
                name=".data",
                flags=SHF_ALLOC | SHF_WRITE,
                addr=0x1000,
                content=bytes(2000),
                relocations=rows,
            )
        ],
        symbols=[Sym(name="start", section=".data", value=0x1000)],
    )
    data = Sliced(content)
    obj = replace(object_file(content, "unit.so"), data=data)
    found, findings = relocatable(obj, machine_for(obj))
    assert (len(found.relocations[1]), findings) == (500, [])
    assert data.copied < 4 * len(content)
