# SPDX-License-Identifier: Apache-2.0
"""Extensions made by hand, and a modelled target to load them into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from west_llext.loader.extension import LoadParameters
from west_llext.loader.storage import BufferLoader, Storage
from west_llext.loader.system import Loaded, System
from west_llext.loader.target import HeapPlan, Machine, Target
from west_llext.loader.versions import Version

from .elfbuild import (
    EM_ARM,
    FUNC,
    SHF_ALLOC,
    SHF_EXECINSTR,
    Rel,
    Sec,
    Sym,
    elf,
)

HEAP = 0x20001000
BUFFER = 0x21000000
CODE = SHF_ALLOC | SHF_EXECINSTR
#: Two instructions: `nop; bx lr` (ARMv7-M ARM, A7.7.88 and A7.7.20).
NOTHING = bytes.fromhex("00bf 7047")


def target(**changes: Any) -> Target:
    """An Arm target of the release that the records come from, with a heap of 64 KiB."""
    known: dict[str, Any] = {
        "machine": Machine.ARM,
        "bits": 32,
        "heap": HeapPlan(address=HEAP, size=64 << 10),
        "version": Version(4, 3),
    }
    return Target(**{**known, **changes})


def code(
    content: bytes = NOTHING,
    *,
    relocations: Sequence[Rel] = (),
    name: str = ".text",
    align: int = 4,
) -> Sec:
    """A section of instructions."""
    return Sec(name=name, flags=CODE, content=content, align=align, relocations=relocations)


def extension(
    *sections: Sec, symbols: Sequence[Sym] = (), machine: int = EM_ARM, **more: Any
) -> bytes:
    """A file with `f` at the start of `.text`, which every extension needs, and what is given."""
    parts = sections if any(each.name == ".text" for each in sections) else (code(), *sections)
    known = any(each.name == "f" for each in symbols)
    first = [] if known else [Sym(name="f", value=0, size=4, type=FUNC, section=".text")]
    return elf(sections=parts, symbols=[*first, *symbols], machine=machine, **more)


def load(
    data: bytes,
    on: System | Target | None = None,
    *,
    name: str = "demo",
    storage: Storage = Storage.TEMPORARY,
    buffer: int = BUFFER,
    places: Mapping[str, int] | None = None,
    **parameters: Any,
) -> tuple[System, Loaded]:
    """Load a file; raises Danger."""
    system = on if isinstance(on, System) else System(on or target())
    loader = BufferLoader(
        memory=system.memory,
        address=buffer,
        data=data,
        storage=storage,
        bits=system.target.bits,
        bounded=system.target.rules.bounded_peek,
    )
    return system, system.load(loader, name, LoadParameters(**parameters), places)


def logged(loaded: Loaded) -> list[str]:
    """The log: `E: text`."""
    return [f"{each.level}: {each.text}" for each in loaded.log]


def region(system: System, loaded: Loaded, name: str) -> bytes:
    """The bytes of a region."""
    assert loaded.ext is not None
    number = system.target.mem.names.index(name)
    return system.memory.read(loaded.ext.mem[number], loaded.ext.mem_size[number], name)
