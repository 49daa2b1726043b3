# SPDX-License-Identifier: Apache-2.0
"""What `llext_load()` on the target would do with files, one after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path, PurePath
from typing import NamedTuple

from west_llext.app.base_info import base_image
from west_llext.app.base_symbols import base_symbols
from west_llext.app.bases import opened
from west_llext.app.load_cost import LESS, in_mode
from west_llext.app.load_settings import (
    Offered,
    Settings,
    refuse_setting,
    storage_of,
    target_of,
)
from west_llext.app.verdicts import doubts, failed, misled, refused
from west_llext.diagnostics import Diagnostic, LlextError, Span, did_you_mean
from west_llext.elf.headers import is_elf
from west_llext.elf.note import note
from west_llext.elf.read import file_content, object_file
from west_llext.loader.advice import Advice, advice
from west_llext.loader.cost import Cost, cost
from west_llext.loader.danger import Danger
from west_llext.loader.extension import Llext, LoadParameters
from west_llext.loader.log import Line
from west_llext.loader.mem import ORDER
from west_llext.loader.storage import BufferLoader
from west_llext.loader.system import Loaded, System
from west_llext.loader.target import Target
from west_llext.loader.wording import text
from west_llext.model.elf import Ident
from west_llext.model.manifest import Mode
from west_llext.record import record

#: Word in front of the name of an extension to unload.
UNLOAD = "unload:"
#: Most steps of a sequence.
MAX_STEPS = 1024
#: Distance of the buffers that files lie in, at least.
_PAGE = 4096


class LoadStep(NamedTuple):
    """A file to load, and the name that it gets."""

    name: str
    path: Path


class UnloadStep(NamedTuple):
    """An extension to unload."""

    name: str


Step = LoadStep | UnloadStep


@record(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """What to load into which target.

    steps: in order
    base: the base image's ELF file; symbols: a JSON file in its place; build_dir: likewise
    buffers: addresses of the files, in order; those that aren't given follow the last
    places: by name of the extension ('' for the first) and region: where the heap would put it
    """

    steps: tuple[Step, ...]
    base: Path | None = None
    symbols: Path | None = None
    build_dir: Path | None = None
    settings: Settings = field(default_factory=Settings)
    parameters: LoadParameters = field(default_factory=LoadParameters)
    buffers: tuple[int, ...] = ()
    places: Mapping[tuple[str, str], int] = field(default_factory=dict)


class RegionState(NamedTuple):
    """A region of an extension; data is None where the target has placed it nowhere."""

    name: str
    address: int
    size: int
    on_heap: bool
    data: bytes | None


class ExportState(NamedTuple):
    """What an extension exports; the name is None where it can't be read."""

    name: str | None
    address: int


class Saving(NamedTuple):
    """What a load saves in another mode; instructions None where nobody has counted.

    kept: bytes of the heap that it keeps less
    """

    mode: Mode
    instructions: int | None
    kept: int


@record(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a step.

    name: of the extension, as the loader keeps it; file: None for an unload
    loaded: what the loader did; None for an unload
    result: of the call; the rest as it was right after it
    cost: of the load; None where nothing was loaded
    instructions: about how many it took; None where nobody has counted
    savings: in other modes
    """

    name: str
    file: str | None
    result: int
    loaded: Loaded | None = None
    use_count: int = 0
    alloc_size: int = 0
    regions: tuple[RegionState, ...] = ()
    exports: tuple[ExportState, ...] = ()
    dependencies: tuple[str, ...] = ()
    advice: tuple[Advice, ...] = ()
    cost: Cost | None = None
    instructions: int | None = None
    savings: tuple[Saving, ...] = ()

    @property
    def log(self) -> tuple[Line, ...]:
        """What the loader printed."""
        return () if self.loaded is None else self.loaded.log


@record(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What came of a sequence.

    target: the modelled one
    outcomes: of each step; nothing behind a file that the target must not be given
    findings: loads that fail (L020), files that the target must not be given (L021 to L025),
        blobs that are loaded in another way than they need (L026), notes
    """

    target: Target
    outcomes: tuple[Outcome, ...]
    findings: tuple[Diagnostic, ...]


def steps_of(words: Sequence[str]) -> tuple[Step, ...]:
    """The steps that a command line means: `FILE`, `NAME=FILE` or `unload:NAME`.

    Raises UsageError (L030).
    """
    if len(words) > MAX_STEPS:
        refuse_setting(f"there are {len(words)} files, expected at most {MAX_STEPS}")
    found: list[Step] = []
    for word in words:
        if word.startswith(UNLOAD):
            found.append(UnloadStep(word[len(UNLOAD) :]))
            continue
        name, equals, rest = word.partition("=")
        if equals and rest and "/" not in name and not Path(word).exists():
            found.append(LoadStep(name, Path(rest)))
        else:
            found.append(LoadStep(Path(word).stem, Path(word)))
    return tuple(found)


def places_of(words: Sequence[str]) -> dict[tuple[str, str], int]:
    """Addresses of regions: `text=0x20001000`, or `NAME:text=0x20001000`.

    Raises UsageError (L030).
    """
    found = {}
    for word in words:
        left, equals, right = word.partition("=")
        name, _, region = left.rpartition(":")
        address = integer(right)
        if not equals or region not in ORDER or address is None:
            refuse_setting(
                f"'{word}' is no place of a region, expected REGION=ADDRESS",
                "for instance: --region-address text=0x20001000",
            )
        found[name, region] = address
    return found


def _refuse_strangers(request: LoadRequest) -> None:
    # a place for an extension that isn't loaded would be forgotten
    names = [step.name for step in request.steps if isinstance(step, LoadStep)]
    for name, region in request.places:
        if name and name not in names:
            refuse_setting(
                f"a place is given for '{region}' of '{name}', which isn't loaded",
                did_you_mean(name, names) or f"loaded are: {', '.join(names)}",
            )


def integer(word: str) -> int | None:
    """A number from a command line, or None."""
    try:
        value = int(word, 0) if len(word) < 40 else -1
    except ValueError:
        return None
    return value if 0 <= value < 1 << 64 else None


def load(request: LoadRequest) -> LoadResult:
    """Do the steps.

    Raises LlextError where a file or the base image can't be read (L001, L032, B), UsageError
    (L030) for settings that make no sense.
    """
    _refuse_strangers(request)
    contents = [
        file_content(step.path) if isinstance(step, LoadStep) else b"" for step in request.steps
    ]
    offered = _offered(request)
    target, notes = target_of(request.settings, offered, _ident(contents))
    sequence = _Sequence(request, offered, target)
    sequence.findings += notes
    for step, data in zip(request.steps, contents, strict=True):
        if isinstance(step, UnloadStep):
            sequence.unload(step)
        elif not sequence.load(step, data):
            break
    return LoadResult(
        target=target, outcomes=tuple(sequence.outcomes), findings=tuple(sequence.findings)
    )


def _mode(data: bytes, name: str) -> Mode | None:
    # what a blob says of itself; None for files of others
    try:
        found = note(object_file(data, name))
    except LlextError:
        return None
    return None if found is None else found.mode


class _Sequence:
    # Does one step after another, on one target.

    def __init__(self, request: LoadRequest, offered: Offered, target: Target) -> None:
        self.request = request
        self.target = target
        self.storage = storage_of(request.settings, offered)
        self.system = System(target)
        self.outcomes: list[Outcome] = []
        self.findings: list[Diagnostic] = []
        self.buffers = list(request.buffers)
        self.next = _first_buffer(target)
        self.loads = 0

    def load(self, step: LoadStep, data: bytes) -> bool:
        # False where nothing can be said of what follows
        buffer = self._buffer(len(data))
        rules = self.target.rules
        loader = BufferLoader(
            memory=self.system.memory,
            address=buffer,
            data=data,
            storage=self.storage,
            bits=self.target.bits,
            bounded=rules.bounded_peek,
        )
        places = {
            region: address
            for (name, region), address in self.request.places.items()
            if name == step.name or (not name and self.loads == 0)
        }
        self.loads += 1
        try:
            loaded = self.system.load(loader, step.name, self.request.parameters, places)
        except Danger as danger:
            self.findings.append(refused(step.name, Span(PurePath(step.path)), danger))
            return False
        self.outcomes.append(self._outcome(step, loaded))
        at = Span(PurePath(step.path))
        mode = _mode(data, step.name)
        if mode is not None:
            self.findings += misled(step.name, at, mode, self.request.parameters)
        if loaded.result < 0:
            self.findings.append(failed(step.name, at, loaded))
        else:
            self.findings += doubts(step.name, at, loaded)
        return True

    def unload(self, step: UnloadStep) -> None:
        ext = self.system.by_name(step.name)
        if ext is None:
            refuse_setting(f"'{step.name}' isn't loaded when it is to be unloaded")
        result = self.system.unload(ext)
        self.outcomes.append(
            Outcome(name=step.name, file=None, result=result, use_count=ext.use_count)
        )

    def _buffer(self, size: int) -> int:
        start = self.buffers.pop(0) if self.buffers else self.next
        self.next = -(-(start + size + 1) // _PAGE) * _PAGE
        if start + size > self.target.mask:
            refuse_setting(f"a file of {size} bytes at {start:#x} isn't in the target's memory")
        return start

    def _outcome(self, step: LoadStep, loaded: Loaded) -> Outcome:
        ext = loaded.ext
        file = step.path.as_posix()
        if ext is None:
            return Outcome(name=step.name, file=file, result=loaded.result, loaded=loaded)
        known = cost(self.target, loaded)
        return Outcome(
            name=text(ext.name),
            file=file,
            result=loaded.result,
            loaded=loaded,
            use_count=ext.use_count,
            alloc_size=ext.alloc_size,
            regions=tuple(self._regions(ext)),
            exports=tuple(ExportState(self._name(each.name), each.addr) for each in ext.exp_tab),
            dependencies=tuple(text(each.name) for each in ext.dependency),
            advice=advice(self.system, ext),
            cost=known,
            instructions=None if known is None else known.instructions(self.target),
            savings=() if known is None else tuple(self._savings(known)),
        )

    def _savings(self, known: Cost) -> Iterator[Saving]:
        if not self.request.parameters.relocate_local:
            return
        # what looks up no names is bound, or may as well be
        for mode in LESS[Mode.RELOCATABLE if known.searched else Mode.BOUND]:
            other = in_mode(self.system, known, mode)
            now, then = (each.instructions(self.target) for each in (known, other))
            fewer = None if now is None or then is None else now - then
            yield Saving(mode, fewer, known.kept - other.kept)

    def _regions(self, ext: Llext) -> list[RegionState]:
        found = []
        for number, name in enumerate(self.target.mem.names):
            size, start = ext.mem_size[number], ext.mem[number]
            if size:
                known = self.system.memory.holds(start, size)
                data = self.system.memory.read(start, size, name) if start and known else None
                found.append(RegionState(name, start, size, ext.mem_on_heap[number], data))
        return found

    def _name(self, address: int) -> str | None:
        try:
            return text(self.system.memory.string(address, "a name"))
        except Danger:
            return None


def _first_buffer(target: Target) -> int:
    # behind every heap, so that nothing is in the way
    plan = target.heap
    ends = [plan.address + plan.size]
    ends += [sum(each) for each in (plan.data, plan.code) if each is not None]
    return (max(ends) + (1 << 24) - 1) // (1 << 24) * (1 << 24) & target.mask


def _offered(request: LoadRequest) -> Offered:
    if request.symbols is not None and (request.base or request.build_dir):
        refuse_setting("--base-symbols goes in place of a base image, not beside one")
    if request.symbols is not None:
        return base_symbols(request.symbols)
    path = request.base
    if path is None:
        if request.build_dir is None:
            return Offered(symbols={})
        path = opened(request.build_dir).image
    image = base_image(file_content(path), path, request.build_dir)
    return Offered(symbols=image.exports or {}, image=image)


def _ident(contents: Sequence[bytes]) -> Ident | None:
    # processor and class of the first file that says them
    for data in contents:
        if is_elf(data) and len(data) >= 20 and data[4] in (1, 2):
            little = data[5] != 2
            machine = int.from_bytes(data[18:20], "little" if little else "big")
            return Ident(machine=machine, bits=32 * data[4], little=little, flags=0)
    return None
