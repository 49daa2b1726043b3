# SPDX-License-Identifier: Apache-2.0
"""The modelled target of a load: from a base image, its configuration, and what the user says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import NoReturn

from west_llext.diagnostics import Diagnostic, Severity, Span, UsageError
from west_llext.loader.storage import Storage
from west_llext.loader.target import HeapPlan, Machine, Protection, Target, Veneers
from west_llext.loader.versions import DEFAULT, FIRST, NEAR, NEWEST, Version, version
from west_llext.model.base import BaseImage
from west_llext.model.elf import Ident
from west_llext.record import record

#: Processors as options spell them, with the width of their pointers.
ARCHITECTURES: Mapping[str, tuple[Machine, int]] = {
    "arm": (Machine.ARM, 32),
    "arm64": (Machine.ARM64, 64),
    "aarch64": (Machine.ARM64, 64),
    "riscv32": (Machine.RISCV, 32),
    "riscv64": (Machine.RISCV, 64),
    "x86": (Machine.X86, 32),
    "x86_64": (Machine.X86, 64),
    "xtensa": (Machine.XTENSA, 32),
    "arc": (Machine.ARC, 32),
}
# by e_machine and class
_BY_NUMBER = {
    (40, 32): "arm",
    (183, 64): "arm64",
    (243, 32): "riscv32",
    (243, 64): "riscv64",
    (3, 32): "x86",
    (62, 64): "x86_64",
    (94, 32): "xtensa",
    (93, 32): "arc",
    (195, 32): "arc",
    (253, 32): "arc",
}
#: Where memory usually is, for a target that nobody describes.
_RAM = {
    Machine.ARM: 0x20000000,
    Machine.ARM64: 0x40000000,
    Machine.RISCV: 0x80000000,
    Machine.X86: 0x00200000,
    Machine.XTENSA: 0x60000000,
    Machine.ARC: 0x80000000,
    Machine.OTHER: 0x20000000,
}
#: Bytes of a heap that nobody describes.
DEFAULT_HEAP = 128 << 10
#: Bytes of the smallest heap that can be modelled, and of the largest.
MIN_HEAP, MAX_HEAP = 1 << 10, 32 << 20
_COMMAND_LINE = Span(PurePath("command line"))


@record(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user says of the target; None where the base image is to say, or a default.

    arch: a key of `ARCHITECTURES`; release: a Zephyr version
    heap_address, heap_size, heap_block: of the loader's heap, in bytes
    protection: memory protection; page: its page or granularity in bytes
    """

    arch: str | None = None
    release: str | None = None
    heap_address: int | None = None
    heap_size: int | None = None
    heap_block: int | None = None
    protection: Protection | None = None
    page: int | None = None
    userspace: bool | None = None
    by_slid: bool | None = None
    storage: Storage | None = None


@record(frozen=True, slots=True, kw_only=True)
class Offered:
    """What is known of the base image.

    symbols: what it exports, in the order of its table
    image: its ELF file, where there is one
    heap: address and size of the loader's heap; structure: bytes of `struct llext`
    """

    symbols: Mapping[str, int]
    image: BaseImage | None = None
    heap: tuple[int, int] | None = None
    structure: int | None = None


def target_of(
    settings: Settings, offered: Offered, ident: Ident | None
) -> tuple[Target, tuple[Diagnostic, ...]]:
    """The target, and notes about what had to be assumed.

    ident: of the first file that is loaded, where it can be read
    Raises UsageError (L030) for settings that make no sense.
    """
    config = {} if offered.image is None else offered.image.config
    arch = settings.arch or _arch_of(offered, ident)
    machine, bits = ARCHITECTURES[arch]
    release, notes = _release(settings, offered)
    protection, page = _protection(settings, config)
    plan, more = _heap(settings, offered, machine)
    veneers = _veneers(config) if release >= (4, 4) else Veneers.NONE
    userspace = settings.userspace
    target = Target(
        machine=machine,
        bits=bits,
        heap=plan,
        version=release,
        symbols={
            name.encode("utf-8", "surrogateescape"): address & (1 << bits) - 1
            for name, address in offered.symbols.items()
        },
        protection=protection,
        page=page,
        userspace=_on(config, "USERSPACE") if userspace is None else userspace,
        partitions=_number(config, "MAX_DOMAIN_PARTITIONS") or 16,
        by_slid=_by_slid(offered) if settings.by_slid is None else settings.by_slid,
        all_globals=_on(config, "LLEXT_IMPORT_ALL_GLOBALS"),
        devices=_on(config, "LLEXT_EXPORT_DEVICES"),
        harvard=_on(config, "HARVARD"),
        veneers=veneers,
        noreloc=_on(config, "LLEXT_RODATA_NO_RELOC"),
        structure=offered.structure,
        little=_little(offered, ident),
    )
    return target, (*notes, *more)


def _little(offered: Offered, ident: Ident | None) -> bool:
    # byte order of the base image, or else of the file
    if offered.image is not None:
        return offered.image.abi.ident.little
    return ident is None or ident.little


def knows(ident: Ident) -> bool:
    """Whether there is a model of the loader for this kind of file."""
    return (ident.machine, ident.bits) in _BY_NUMBER


def has_heap(image: BaseImage) -> bool:
    """Whether the image says where all memory of its loader is, and how large."""
    config = image.config
    wanted: list[tuple[tuple[str, str], ...]] = [_ONE]
    if _on(config, "LLEXT_HEAP_MEMBLK"):
        wanted = [_OWN, _DATA]
    elif _on(config, "HARVARD"):
        wanted = [_DATA]
    if _on(config, "HARVARD"):
        wanted.append(_CODE)
    return all(_memory(image, config, each) is not None for each in wanted)


def storage_of(settings: Settings, offered: Offered) -> Storage:
    """Where the file lies: as told, or as the base image's default loader has it."""
    if settings.storage is not None:
        return settings.storage
    config = {} if offered.image is None else offered.image.config
    return Storage.WRITABLE if _on(config, "LLEXT_STORAGE_WRITABLE") else Storage.TEMPORARY


def refuse_setting(message: str, hint: str | None = None) -> NoReturn:
    """A setting that makes no sense."""
    raise UsageError([Diagnostic(code="L030", at=_COMMAND_LINE, message=message, hint=hint)])


def _by_slid(offered: Offered) -> bool:
    image = offered.image
    return image is not None and (
        image.by_slid or _on(image.config, "LLEXT_EXPORT_BUILTINS_BY_SLID")
    )


def _arch_of(offered: Offered, ident: Ident | None) -> str:
    known = ident if offered.image is None else offered.image.abi.ident
    found = None if known is None else _BY_NUMBER.get((known.machine, known.bits))
    if found is None:
        refuse_setting(
            "the target's processor isn't known: neither a base image nor the file says it",
            f"name it with --arch: {', '.join(ARCHITECTURES)}",
        )
    return found


def _release(settings: Settings, offered: Offered) -> tuple[Version, list[Diagnostic]]:
    named = settings.release
    if named is None and offered.image is not None:
        named = offered.image.zephyr_version
    if named is None:
        message = f"the target's Zephyr version isn't known, {DEFAULT} is taken"
        return DEFAULT, [_note(message, "name it with --zephyr-version")]
    found = version(named)
    if found is None or found < FIRST:
        refuse_setting(
            f"'{named}' is no Zephyr version with a loader, expected {FIRST} to {NEWEST} or 'main'"
        )
    if found > NEWEST:
        message = f"Zephyr {found} isn't known yet, the rules of {NEWEST} are taken"
        return found, [_note(message, None)]
    if found in NEAR:
        message = f"Zephyr {found} isn't modelled by itself, the rules of {NEAR[found]} are taken"
        return found, [_note(message, None)]
    return found, []


def _note(message: str, hint: str | None) -> Diagnostic:
    return Diagnostic(
        code="L031", at=_COMMAND_LINE, message=message, hint=hint, severity=Severity.NOTE
    )


def _on(config: Mapping[str, str], name: str) -> bool:
    return config.get(f"CONFIG_{name}") == "y"


def _number(config: Mapping[str, str], name: str) -> int | None:
    text = config.get(f"CONFIG_{name}", "")
    try:
        return int(text, 0) if len(text) < 12 else None
    except ValueError:
        return None


def _protection(settings: Settings, config: Mapping[str, str]) -> tuple[Protection, int]:
    found, page = _configured(config)
    rule = found if settings.protection is None else settings.protection
    if settings.protection is Protection.MMU and found is not Protection.MMU:
        page = 4096
    page = page if settings.page is None else settings.page
    if page < 1 or page & (page - 1) or page > 1 << 20:
        refuse_setting(f"a page has {page} bytes, expected a power of two up to 0x100000")
    return rule, page


def _configured(config: Mapping[str, str]) -> tuple[Protection, int]:
    if _on(config, "MMU"):
        return Protection.MMU, _number(config, "MMU_PAGE_SIZE") or 4096
    page = 2048 if _number(config, "ARC_MPU_VER") == 2 else 32
    if _on(config, "MPU_REQUIRES_POWER_OF_TWO_ALIGNMENT"):
        return Protection.POWER_OF_TWO, page
    if _on(config, "ARM_MPU") or _on(config, "ARC_MPU"):
        return Protection.PAGE, page
    if _on(config, "RISCV_PMP"):
        return Protection.PMP, _number(config, "PMP_GRANULARITY") or 4
    return (Protection.OTHER if _on(config, "USERSPACE") else Protection.NONE), page


def _veneers(config: Mapping[str, str]) -> Veneers:
    if not _on(config, "LLEXT_VENEERS"):
        return Veneers.NONE
    mainline = _on(config, "ARMV7_M_ARMV8_M_MAINLINE")
    return Veneers.MAINLINE if mainline else Veneers.BASELINE


# Symbols of the memories for each heap, and the settings of their sizes in KiB.
_OWN = (("kheap_llext_metadata_heap", "LLEXT_METADATA_HEAP_SIZE"),)
_ONE = (("kheap_llext_heap", "LLEXT_HEAP_SIZE"), ("kheap_llext_ext_heap", "LLEXT_HEAP_SIZE"))
_DATA = (
    ("kheap_llext_data_heap", "LLEXT_DATA_HEAP_SIZE"),
    ("_sys_mem_blocks_buf_llext_ext_heap", "LLEXT_EXT_HEAP_SIZE"),
    ("llext_data_heap_buf", "LLEXT_DATA_HEAP_SIZE"),
)
_CODE = (
    ("kheap_llext_instr_heap", "LLEXT_INSTR_HEAP_SIZE"),
    ("llext_instr_heap_buf", "LLEXT_INSTR_HEAP_SIZE"),
)


def _heap(
    settings: Settings, offered: Offered, machine: Machine
) -> tuple[HeapPlan, list[Diagnostic]]:
    image = offered.image
    config = {} if image is None else image.config
    block = settings.heap_block
    if block is None:
        block = (_number(config, "LLEXT_HEAP_MEMBLK_BLOCK_SIZE") or 0) * _on(
            config, "LLEXT_HEAP_MEMBLK"
        )
    free = spare(machine, offered)
    split = bool(block) or _on(config, "HARVARD")
    own = _memory(image, config, _OWN if block else _DATA if split else _ONE)
    notes = []
    start, size = own or offered.heap or (next(free), DEFAULT_HEAP)
    if settings.heap_size is not None:
        size = settings.heap_size
    elif own is None and offered.heap is None:
        message = f"the size of the loader's heap isn't known, {DEFAULT_HEAP} bytes are taken"
        notes.append(_note(message, "name it with --heap-size, or a build directory with -d"))
    start = start if settings.heap_address is None else settings.heap_address
    data = code = None
    if split:
        data = _memory(image, config, _DATA) or (next(free), size)
        if _on(config, "HARVARD"):
            code = _memory(image, config, _CODE) or (next(free), size)
        data = data if block else None
    for each in (size, *(other[1] for other in (data, code) if other is not None)):
        if not MIN_HEAP <= each <= MAX_HEAP:
            refuse_setting(f"a heap has {each} bytes, expected {MIN_HEAP} to {MAX_HEAP}")
    plan = HeapPlan(
        address=start,
        size=size,
        # where nobody says, as on the targets that the model has been compared with
        statistics=_on(config, "SYS_HEAP_RUNTIME_STATS") or not config,
        block=block,
        data=data,
        code=code,
    )
    return plan, notes


def _memory(
    image: BaseImage | None, config: Mapping[str, str], choices: tuple[tuple[str, str], ...]
) -> tuple[int, int] | None:
    # address and size of the first of these heaps that the image has
    if image is None:
        return None
    for symbol, setting in choices:
        found = image.symbols.get(symbol)
        if found is not None:
            return found.value, found.size or (_number(config, setting) or 8) << 10
    return None


def spare(machine: Machine, offered: Offered) -> Iterator[int]:
    """Addresses behind which nothing of the base image is, far apart."""
    start = _RAM[machine]
    if offered.image is not None:
        ends = [each.vaddr + each.memsz for each in offered.image.segments if each.flags & 2]
        start = max([start, *ends])
    start = -(-start // 4096) * 4096
    while True:
        yield start
        start += MAX_HEAP
