# SPDX-License-Identifier: Apache-2.0
"""Four times as much to link takes about four times the work, not sixteen times.

Instructions are counted (`support.counting`), so that no clock and no machine plays a part.
"""

from __future__ import annotations

from collections.abc import Callable

from support.counting import LINEAR, growth
from support.elfbuild import FUNC, SHF_ALLOC, SHF_EXECINSTR, Rel, Sec, Sym, elf
from support.linking import Case, extension, offer

from west_llext.elf.read import object_file
from west_llext.link.resolve import Offered, Peer, Peers
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
