# SPDX-License-Identifier: Apache-2.0
"""Plain values as records of the model, with defaults applied.

Values that the walker refused are missing or None; what can be made without them is made, so that
the rules find what else is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from west_llext.diagnostics import Span
from west_llext.manifest.log import Log
from west_llext.manifest.nodes import span
from west_llext.manifest.paths import Paths
from west_llext.manifest.shapes import Value
from west_llext.manifest.shared import SharedLists, names
from west_llext.manifest.text import shown
from west_llext.model.manifest import (
    BaseSpec,
    CompilerRuntime,
    Condition,
    ExportGroup,
    Extension,
    FileRef,
    Manifest,
    Memory,
    Mode,
    Name,
    RunSpec,
    Toolchain,
)
from west_llext.model.region import PLACEABLE, Region
from west_llext.record import record

_Table = Mapping[str, "Value | None"]

_MODES = {each.value: each for each in Mode}
_RUNTIMES = {each.value: each for each in CompilerRuntime}
#: Bytes that defaults may take in all extensions together, about, and flags in the commands for all
#: sources.
MAX_FLAGS = 256 << 20
# a region goes where this one goes, where the manifest doesn't say
_FOLLOWS = {Region.RODATA: Region.TEXT, Region.BSS: Region.DATA}


@record(frozen=True, slots=True, kw_only=True)
class Built:
    """What could be made of a manifest, for the rules to look at.

    manifest: without the memories and extensions that lack something essential
    memories, extensions: every name that the manifest declares; None where one can't be read
    default_place: memories from `defaults`
    doubtful: names of extensions whose mode or placement has been refused already
    """

    manifest: Manifest
    memories: frozenset[str] | None
    extensions: frozenset[str] | None
    default_place: Mapping[Region, Name]
    doubtful: frozenset[str]


@record(frozen=True, slots=True, kw_only=True)
class _Defaults:
    mode: Mode
    cflags: tuple[str, ...]
    include_dirs: tuple[FileRef, ...]
    defines: Mapping[str, str | None]
    runtime: CompilerRuntime
    place: Mapping[Region, Name]

    def size(self) -> int:
        # about how many bytes every extension takes for them
        return _flags_size(self.cflags, self.include_dirs, self.defines.items())


def built(root: Value, file: Path, digest: str, log: Log, *, allow_outside: bool) -> Built:
    """The records of a whole document; what is wrong with paths and conditions goes to `log`.

    digest: SHA-256 of the file's content
    """
    return _Builder(file, digest, log, allow_outside=allow_outside).built(root.data)


class _Builder:
    def __init__(self, file: Path, digest: str, log: Log, *, allow_outside: bool) -> None:
        self._file = file
        self._digest = digest
        self._log = log
        self._paths = Paths(file.parent, log, allow_outside=allow_outside)
        self._lists = SharedLists(log)
        self._left = MAX_FLAGS

    def built(self, data: _Table) -> Built:
        base = self._base(data.get("base"))
        tables: list[_Table] = [each.data for each in _items(data.get("extensions"))]
        defaults = self._shared(data.get("defaults"), len(tables))
        extensions = [self._extension(each, defaults) for each in tables]
        version = data.get("version")
        return Built(
            manifest=Manifest(
                file=self._file,
                root=self._file.parent,
                version=version.data if version else 1,
                base=base,
                extensions=tuple([each for each in extensions if each is not None]),
                run=self._run(_table(data.get("run"))),
                inputs=(self._file, *self._lists.digests),
                digests={self._file: self._digest, **self._lists.digests},
            ),
            memories=_names(each.data for each in _items(_table(data.get("base")).get("memory"))),
            extensions=_names(tables),
            default_place=defaults.place,
            doubtful=frozenset(_doubtful(tables, _table(data.get("defaults")))),
        )

    # --- the base image

    def _base(self, value: Value | None) -> BaseSpec:
        if value is None:
            nowhere = Span(self._log.file)
            return BaseSpec(toolchain=Toolchain(at=nowhere), at=nowhere)
        at = span(self._log.file, value.at)
        get = _table(value).get
        return BaseSpec(
            build_dir=self._paths.optional(get("build-dir")),
            image=self._paths.optional(get("image")),
            edk=self._paths.optional(get("edk")),
            zephyr_version=_text(get("zephyr-version")),
            toolchain=self._toolchain(get("toolchain"), at),
            exports=tuple(self._groups(_items(get("exports")))),
            memories=tuple(self._memories(_items(get("memory")))),
            at=at,
        )

    def _toolchain(self, value: Value | None, base: Span) -> Toolchain:
        # where there is none, `base` is the place to write one
        if value is None:
            return Toolchain(at=base)
        get = _table(value).get
        return Toolchain(
            cc=_text(get("cc")),
            target=_text(get("target")),
            cflags=_words(get("cflags")),
            launcher=_words(get("launcher")),
            at=span(self._log.file, value.at),
        )

    def _memories(self, values: list[Value]) -> Iterator[Memory]:
        for value in values:
            get = _table(value).get
            name, address = get("name"), get("address")
            size, access = get("size"), get("access")
            if name and address and size and access:
                yield Memory(
                    name=name.data,
                    address=address.data,
                    size=size.data,
                    access=access.data,
                    at=span(self._log.file, name.at),
                )

    def _groups(self, values: list[Value]) -> Iterator[ExportGroup]:
        for value in values:
            at = span(self._log.file, value.at)
            if isinstance(value.data, str):
                yield ExportGroup(group=None, symbols=(Name(value.data, at),), at=at)
                continue
            get = _table(value).get
            shared = self._paths.optional(get("from"))
            symbols = self._names(get("symbols"))
            yield ExportGroup(
                group=_text(get("group")),
                symbols=symbols + self._lists.names(shared) if shared else symbols,
                when=self._condition(get("when")),
                at=at,
            )

    def _condition(self, value: Value | None) -> Condition | None:
        if value is None:
            return None
        from west_llext.manifest import kconfig  # noqa: PLC0415  most manifests have no condition

        at = span(self._log.file, value.at)
        try:
            kconfig.parse(value.data)
        except kconfig.ExpressionError as err:
            message = f"'when' is '{shown(value.data)}': {err.message}"
            place = Span(at.file, at.line, at.column + err.column)
            self._log.add("M033", place, message, err.hint)
        return Condition(text=value.data, at=at)

    def _run(self, data: _Table) -> RunSpec:
        return RunSpec(
            stand_ins=self._paths.refs(data.get("stand-ins")), replace=_words(data.get("replace"))
        )

    # --- extensions

    def _shared(self, value: Value | None, count: int) -> _Defaults:
        # the defaults of `count` extensions, each of which gets its own copy
        found = self._defaults(_table(value))
        size = count * found.size()
        if value is not None and size > MAX_FLAGS:
            message = (
                f"'defaults' take {size >> 20} MiB in {count} extensions, expected at most "
                f"{MAX_FLAGS >> 20} MiB"
            )
            self._log.add("M003", value.at, message)
            return self._defaults({})
        return found

    def _defaults(self, data: _Table) -> _Defaults:
        return _Defaults(
            mode=_MODES[_text(data.get("mode")) or Mode.RELOCATABLE.value],
            cflags=_words(data.get("cflags")),
            include_dirs=self._paths.refs(data.get("include-dirs")),
            defines=_defines(data.get("defines")),
            runtime=_RUNTIMES[_text(data.get("compiler-runtime")) or CompilerRuntime.BASE.value],
            place=self._place(data.get("place")),
        )

    def _extension(self, data: _Table, defaults: _Defaults) -> Extension | None:
        get = data.get
        name, mode, runtime = get("name"), get("mode"), get("compiler-runtime")
        if name is None:
            return None
        refs = self._paths.refs
        at = span(self._log.file, name.at)
        sources = refs(get("sources"))
        include_dirs = refs(get("include-dirs")) + defaults.include_dirs
        defines = tuple({**defaults.defines, **_defines(get("defines"))}.items())
        cflags = defaults.cflags + _words(get("cflags"))
        if sources:
            self._commands(at, len(sources) * _flags_size(cflags, include_dirs, defines))
        return Extension(
            name=name.data,
            mode=_MODES[mode.data] if mode else defaults.mode,
            sources=sources,
            objects=refs(get("objects")),
            include_dirs=include_dirs,
            defines=defines,
            cflags=cflags,
            compiler_runtime=_RUNTIMES[runtime.data] if runtime else defaults.runtime,
            exports=self._names(get("exports")),
            imports_from=self._names(get("imports-from")),
            place=_completed({**defaults.place, **self._place(get("place"))}),
            at=at,
        )

    def _commands(self, at: Span, size: int) -> None:
        # bytes that the flags of an extension take in the commands for all of its sources
        before, self._left = self._left, self._left - size
        if self._left < 0 <= before:
            most = MAX_FLAGS >> 20
            self._log.add("M003", at, f"the flags of all sources take more than {most} MiB")

    def _place(self, value: Value | None) -> dict[Region, Name]:
        data = _table(value)
        found = {}
        for region in PLACEABLE:
            memory = data.get(region.label)
            if memory is not None:
                found[region] = Name(memory.data, span(self._log.file, memory.at))
        return found

    def _names(self, value: Value | None) -> tuple[Name, ...]:
        return names(value.data, self._log.file) if value is not None else ()


def _flags_size(
    cflags: Iterable[str],
    include_dirs: Iterable[FileRef],
    defines: Iterable[tuple[str, str | None]],
) -> int:
    # bytes, about, with those of a reference to each word
    words = [*cflags, *(each.text for each in include_dirs)]
    words += chain.from_iterable((name, text or "") for name, text in defines)
    return sum(map(len, words)) + 8 * len(words)


def _table(value: Value | None) -> _Table:
    return value.data if value is not None else {}


def _items(value: Value | None) -> list[Value]:
    return value.data if value is not None else []


def _text(value: Value | None) -> str | None:
    return value.data if value is not None else None


def _words(value: Value | None) -> tuple[str, ...]:
    return tuple([each.data for each in value.data]) if value is not None else ()


def _defines(value: Value | None) -> dict[str, str | None]:
    return {name: _text(each) for name, each in _table(value).items()}


def _completed(place: dict[Region, Name]) -> dict[Region, Name]:
    for region, other in _FOLLOWS.items():
        if region not in place and other in place:
            place[region] = place[other]
    return place


def _names(tables: Iterator[_Table] | list[_Table]) -> frozenset[str] | None:
    found = [each.get("name") for each in tables]
    whole = [each.data for each in found if each is not None]
    return frozenset(whole) if len(whole) == len(found) else None


def _doubtful(tables: list[_Table], defaults: _Table) -> Iterator[str]:
    doubt = _is_refused(defaults, "mode") or _is_refused(defaults, "place")
    for data in tables:
        name = data.get("name")
        if name and (doubt or _is_refused(data, "mode") or _is_refused(data, "place")):
            yield name.data


def _is_refused(data: _Table, key: str) -> bool:
    value = data.get(key)
    if value is None:
        return key in data
    return key == "place" and None in value.data.values()
