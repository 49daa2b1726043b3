# SPDX-License-Identifier: Apache-2.0
"""The model of the target's loader, with damaged extensions and everything that is asked of them.

The first byte chooses the release, the second how the file is stored and loaded; the processor is
that of the file. A result, or a danger that is named, comes of it. The command around it, from the
options to what is printed, is the target `load`.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Literal

from tests.fuzz.elf_steps import elf_mutated
from tests.fuzz.objects import kinds, machine, objects, whole
from tests.fuzz.target import Target
from tests.fuzz.targets import link
from west_llext.app.load_settings import ARCHITECTURES
from west_llext.loader.cost import bound, cost, prelocated
from west_llext.loader.danger import DANGERS, Danger
from west_llext.loader.domain import MemDomain, complaints
from west_llext.loader.extension import LoadParameters
from west_llext.loader.log import Log
from west_llext.loader.storage import BufferLoader, ElfLoader, FileLoader, Storage
from west_llext.loader.system import Loaded, System
from west_llext.loader.target import HeapPlan, Protection, Veneers
from west_llext.loader.target import Target as Modelled
from west_llext.loader.versions import Version
from west_llext.model.manifest import Mode

_RELEASES = tuple(
    Version(*each) for each in ((3, 5), (3, 7), (4, 1), (4, 3), (4, 4), (4, 5), (4, 6), (9, 9))
)
_STORAGES = (*Storage, None)
_NUMBERS = {40: "arm", 183: "arm64", 3: "x86", 62: "x86_64", 94: "xtensa", 93: "arc", 195: "arc"}
_FILE = 0x30000000


def seeds() -> dict[str, bytes]:
    """Blobs of every machine and mode, and objects, which need luck to be loaded as they are."""
    return dict(_seeds())


def _seeds() -> Iterator[tuple[str, bytes]]:
    for number, (name, data) in enumerate(objects()):
        yield f"odd {name}", bytes([number % len(_RELEASES), number % 64]) + data
    for kind in kinds():
        if machine(kind) is not None:
            for number, mode in enumerate(Mode):
                # Zephyr 4.1 and what follows, writable storage; x86 has one byte order
                release, choice = 2 + number % 5, 6 if mode is Mode.PRELOCATED else 2
                odd = "odd " if kind.machine in (3, 62) and not kind.little else ""
                blob = link.blob(whole(kind), mode)
                yield f"{odd}{kind.label} {mode.value}", bytes([release, choice]) + blob


def _target(data: bytes, release: Version, choice: int) -> Modelled:
    order: Literal["little", "big"] = "big" if data[5:6] == b"\2" else "little"
    wide = data[4:5] == b"\2"
    number = int.from_bytes(data[18:20], order)
    name = _NUMBERS.get(number, "riscv64" if wide else "riscv32")
    processor, bits = ARCHITECTURES[name]
    return Modelled(
        machine=processor,
        bits=bits,
        little=order == "little",
        heap=HeapPlan(address=0x20001000, size=64 << 10, block=choice & 16),
        version=release,
        symbols=dict.fromkeys((b"printk", b"ticks", b"peer_run", b"memcpy"), 0x20000101),
        protection=tuple(Protection)[choice % len(Protection)],
        userspace=bool(choice & 32),
        by_slid=bool(choice & 64),
        veneers=Veneers.MAINLINE if choice & 128 and release >= (4, 4) else Veneers.NONE,
    )


def run(data: bytes) -> bool:
    """Load, ask for everything, load again, unload."""
    release = _RELEASES[data[0] % len(_RELEASES) if data else 0]
    choice, content = data[1] if len(data) > 1 else 0, data[2:]
    system = System(_target(content, release, choice))
    loaded = _loaded(system, content, choice)
    if isinstance(loaded, Danger):
        assert loaded.code in DANGERS
        assert loaded.message
        return False
    assert all(each.level in "EW" and each.text for each in loaded.log)
    assert loaded.result >= 0 or loaded.ext is None
    return loaded.result >= 0


def _loader(system: System, data: bytes, choice: int) -> ElfLoader:
    storage = _STORAGES[choice & 3]
    if storage is None:
        return FileLoader(data)
    return BufferLoader(
        memory=system.memory,
        address=_FILE,
        data=data,
        storage=storage,
        bits=system.target.bits,
        bounded=system.target.rules.bounded_peek,
    )


def _loaded(system: System, data: bytes, choice: int) -> Loaded | Danger:
    try:
        return _tried(system, data, choice)
    except Danger as danger:
        return danger


def _tried(system: System, data: bytes, choice: int) -> Loaded:
    loader = _loader(system, data, choice)
    parameters = LoadParameters(
        pre_located=bool(choice & 4),
        relocate_local=not choice & 4,
        keep_section_info=bool(choice & 8),
    )
    loaded = system.load(loader, "unit", parameters)
    if loaded.ext is not None:
        _look_at(system, loaded, loader)
        if system.target.rules.by_flags:
            assert system.load(loader, "unit").result == 1
            assert system.unload(loaded.ext) == 1
        assert system.unload(loaded.ext) == 0
    return loaded


def _look_at(system: System, loaded: Loaded, loader: ElfLoader) -> None:
    ext, inspection, log = loaded.ext, loaded.inspection, Log()
    assert ext is not None
    if system.target.rules.by_flags and inspection is not None:
        for number in range(len(inspection.headers)):
            inspection.get_section_info(number)
        for number in range(system.target.mem.count):
            inspection.get_region_info(number)
        inspection.find_section(loader, ".data")
        inspection.section_shndx(".bss")
    known = cost(system.target, loaded)
    assert known is not None
    for other in (known, bound(known), prelocated(system, known)):
        assert (other.instructions(system.target) or 0) >= 0
        assert other.kept <= other.peak
    system.add_domain(ext, MemDomain(address=0x20000000, most=4), log)
    assert all(complaints(system.target, ext))
    system.find_sym(ext.exp_tab, "unit_run")
    system.bringup(ext, lambda _: None, log)
    system.teardown(ext, lambda _: None, log)
    system.free_inspection_data(ext)


def mutate(data: bytes, dice: Random) -> bytes:
    """Another choice now and then; the file as its tables suggest."""
    head, content = bytearray(data[:2].ljust(2, b"\0")), data[2:]
    if dice.random() < 0.3:
        head[dice.randrange(2)] = dice.randrange(256)
    return bytes(head) + elf_mutated(content, dice)


TARGET = Target(name="loader", seeds=seeds, run=run, mutate=mutate)
