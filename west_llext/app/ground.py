# SPDX-License-Identifier: Apache-2.0
"""What extensions run beside: the base image's code, its description, or names alone.

A base image without code has its addresses, and stand-ins at them. Without any base image, what the
manifest exports gets addresses that nobody else uses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from west_llext.app.debug_info import SourceLines
from west_llext.app.load_settings import Offered, Settings, has_heap, spare, target_of
from west_llext.emulate.base import base_image, hollow_base
from west_llext.emulate.image import Image
from west_llext.emulate.machines import machine_of
from west_llext.emulate.memory import PAGE, Access, Range
from west_llext.emulate.scratch import SLOT
from west_llext.loader.target import HeapPlan, Target
from west_llext.model.base import Abi, BaseImage
from west_llext.model.elf import ObjectFile, Segment
from west_llext.record import record

#: Bytes of a heap that isn't known.
ENOUGH = 4 << 20
#: Bytes for files of extensions, and for names without an address.
_FILES, _NAMES = 16 << 20, 1 << 20
#: Places that are tried for what the base image doesn't have.
_TRIES = 100
#: A symbol that Zephyr's kernel has, and nothing else.
_KERNEL = "_kernel"


@record(frozen=True, slots=True, kw_only=True)
class Beside:
    """What is known of what extensions run beside.

    image: the base image, where there is one
    code: its ELF file, read; None where it is only described
    name: what messages call it
    exports: what extensions can use: names, those that the image has no table for included; None
        for all that the image has
    occupied: address ranges [start, end) that are meant for something
    """

    image: BaseImage | None = None
    code: ObjectFile | None = None
    name: str = "manifest"
    exports: Collection[str] | None = None
    occupied: tuple[tuple[int, int], ...] = ()


@record(frozen=True, slots=True, kw_only=True)
class Ground:
    """The same, ready for the emulator and for the model of the loader.

    image: the base image in the emulator; more: further memory, with names that have no address
    target: the modelled one
    files: address for the first file that is loaded
    kernel: whether Zephyr's kernel is in it, which doesn't run here
    ticks: of its clock, in a second
    """

    abi: Abi
    image: Image
    more: Image | None
    target: Target
    files: int
    kernel: bool = False
    ticks: int = 1000


def ground(beside: Beside, abi: Abi, wanted: Collection[str]) -> Ground:
    """What extensions run beside.

    abi: of the first extension, for where there is no base image
    wanted: names that have stand-ins of the user's own, whatever the base image exports
    Raises LlextError (X002) where the machine can't be emulated.
    """
    image = beside.image
    abi = abi if image is None else image.abi
    machine_of(abi.ident)
    known = _exports(beside)
    known |= {} if image is None else _found(image, wanted)
    declared = beside.exports if image is None and beside.exports is not None else ()
    missing = [name for name in dict.fromkeys((*declared, *wanted)) if name not in known]
    offered = Offered(symbols=known, image=image)
    known_heap = image is not None and has_heap(image)
    settings = Settings() if known_heap else Settings(heap_size=ENOUGH)
    first, _ = target_of(settings, offered, abi.ident)
    own = 0 if known_heap else ENOUGH
    start = _free(beside, first, own + _NAMES + _FILES)
    names = start + own
    symbols = known | _slots(missing, names, abi)
    if not known_heap:
        settings = Settings(heap_size=ENOUGH, heap_address=start)
    target, _ = target_of(settings, Offered(symbols=symbols, image=image), abi.ident)
    code = beside.code
    lent = tuple(_heaps(target.heap)) if known_heap else ()
    return Ground(
        abi=abi,
        image=_hollow(beside, abi, known, lent) if code is None else _coded(code, lent),
        more=_named(missing, symbols, names, abi),
        target=target,
        files=names + _NAMES,
        kernel=image is not None and image.symbols.get(_KERNEL) is not None,
        ticks=_ticks(image),
    )


def _exports(beside: Beside) -> dict[str, int]:
    # with addresses
    image = beside.image
    if image is None:
        return {}
    if image.exports is not None:
        return dict(image.exports)
    names = image.symbols if beside.exports is None else beside.exports
    return _found(image, names)


def _found(image: BaseImage, names: Collection[str]) -> dict[str, int]:
    found = {}
    for name in names:
        symbol = image.symbols.get(name)
        if symbol is not None:
            found[name] = symbol.value
    return found


def _slots(names: Collection[str], start: int, abi: Abi) -> dict[str, int]:
    # an address for each name
    state = machine_of(abi.ident).state_mask
    return {name: start + SLOT * number | state for number, name in enumerate(names)}


def _named(
    names: Collection[str], symbols: Mapping[str, int], start: int, abi: Abi
) -> Image | None:
    if not names:
        return None
    size = -(-len(names) * SLOT // PAGE) * PAGE
    everything = int(Access.READ | Access.WRITE | Access.EXECUTE)
    area = Segment(vaddr=start, paddr=start, offset=0, filesz=0, memsz=size, flags=everything)
    return hollow_base(
        name="stand-ins",
        ident=abi.ident,
        segments=(area,),
        exports={name: symbols[name] for name in names},
    )


def _hollow(beside: Beside, abi: Abi, exports: Mapping[str, int], lent: tuple[Range, ...]) -> Image:
    image = beside.image
    known = exports if image is None else _found(image, image.symbols)
    return hollow_base(
        name=beside.name,
        ident=abi.ident,
        segments=() if image is None else image.segments,
        exports={**known, **exports},
        lent=lent,
    )


def _coded(file: ObjectFile, lent: tuple[Range, ...]) -> Image:
    return base_image(file, lent, SourceLines(file).of_address)


def _heaps(plan: HeapPlan) -> Iterator[Range]:
    for place in ((plan.address, plan.size), plan.data, plan.code):
        if place is not None:
            yield Range(place[0], place[0] + place[1], Access.READ | Access.WRITE)


def _free(beside: Beside, target: Target, size: int) -> int:
    # the first place where nothing of the base image is, and nothing is meant to be
    segments = () if beside.image is None else beside.image.segments
    taken = [(each.vaddr, each.vaddr + each.memsz) for each in segments]
    taken += beside.occupied
    places = spare(target.machine, Offered(symbols={}, image=beside.image))
    tried = [next(places) for _ in range(_TRIES)]
    for start in tried:
        end = start + size
        if end <= target.mask and all(end <= low or high <= start for low, high in taken):
            return start
    return tried[0]


def _ticks(image: BaseImage | None) -> int:
    text = "" if image is None else image.config.get("CONFIG_SYS_CLOCK_TICKS_PER_SEC", "")
    known = text.isascii() and text.isdigit() and len(text) < 10
    return (int(text) if known else 0) or 1000
