# SPDX-License-Identifier: Apache-2.0
"""What has to run so that every extension is one relocatable object. Nothing runs here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path, PurePath

from west_llext.diagnostics import Diagnostic, LlextError, MissingError, Span
from west_llext.model.manifest import CompilerRuntime, Extension, FileRef
from west_llext.record import record
from west_llext.toolchain.at_exit import HEADER_NAME, HEADER_TEXT, at_exit_flags
from west_llext.toolchain.checks import findings, is_archive, no_linker, odd_folder
from west_llext.toolchain.compiler import Compiler
from west_llext.toolchain.flags import (
    Kind,
    Language,
    default_flags,
    language,
    merge_flags,
    own_folders,
    reproducible_flags,
    spoken,
    unasked_flags,
    wants_merge,
)
from west_llext.toolchain.helpers import ROOT_NAME, ROOT_TEXT, helper_archive, helper_step
from west_llext.toolchain.names import folder_name, from_root, object_name
from west_llext.toolchain.ninja import Edge, Host, ninja_text

_HERE = PurePath()


@record(frozen=True, slots=True, kw_only=True)
class Request:
    """What to plan for.

    root: folder of the manifest, where commands run; absolute, without symbolic links
    folder: where objects go; absolute
    extensions: in the order to build them
    compiler: None where `needs_compiler` says that none is needed
    runtime: clang's library of compiler helpers, where an extension wants it
    python: program of the interpreter, for the step that picks helpers out of zig's library
    prefix_maps: further folders with what objects call them (the root is `.`)
    shown: how messages spell the root; empty where they spell paths from there
    """

    root: Path
    folder: Path
    extensions: tuple[Extension, ...]
    compiler: Compiler | None
    host: Host
    python: str
    runtime: Path | None = None
    prefix_maps: tuple[tuple[str, str], ...] = ()
    shown: PurePath = _HERE


class Action(Enum):
    """What a step does, as messages say it."""

    COMPILE = "compiling"
    MERGE = "merging"
    HELPERS = "building compiler helpers for"


@record(frozen=True, slots=True, kw_only=True)
class Step:
    """One command of the plan.

    extension: name of the extension; of all of them joined by `, ` where several share the step
    subject: the source as the manifest spells it, or the extension's name
    at: place in the manifest
    words: the command, one argument each
    """

    action: Action
    extension: str
    subject: str
    at: Span
    output: str
    words: tuple[str, ...]


@record(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that `run` needs, and what it leaves.

    objects: the file that the link reads, by extension
    steps: every command, in the order of the ninja file; none where all objects are prebuilt
    files: to be written before anything runs, with their contents
    inputs: files that must be there, with where the manifest names them
    programs: what commands run or link that isn't of the project: compiler, launcher, library
    digest: another one whenever a command or the compiler is another one; the same wherever the
        project lies
    launched: whether a launcher starts the compilers
    """

    root: Path
    folder: Path
    shown: PurePath
    objects: Mapping[str, Path]
    steps: tuple[Step, ...]
    files: tuple[tuple[Path, bytes], ...]
    inputs: tuple[FileRef, ...]
    programs: tuple[str, ...]
    digest: str
    launched: bool

    @property
    def ninja_file(self) -> Path:
        """Where ninja finds the plan."""
        return self.folder / "build.ninja"


def needs_compiler(extensions: Iterable[Extension]) -> bool:
    """Whether any of them has something to compile or to merge."""
    return any(_needs_merge(each) or each.sources for each in extensions)


def plan(request: Request) -> Plan:
    """How to make the object of every extension.

    Raises LlextError or MissingError with every finding (T005 to T008, T019; T015).
    """
    planner = _Planner(request)
    for extension in request.extensions:
        planner.add(extension)
    if planner.edges:
        planner.findings += odd_folder(planner.base, request.shown)
    if planner.missing:
        raise MissingError(planner.missing)
    if planner.findings:
        raise LlextError(planner.findings)
    return planner.plan()


def _needs_merge(extension: Extension) -> bool:
    count = len(extension.sources) + len(extension.objects)
    return (
        count > 1
        or any(is_archive(each) for each in extension.objects)
        or extension.compiler_runtime is CompilerRuntime.TOOLCHAIN
    )


class _Planner:
    # Collects edges and findings of all extensions; a class because every step adds to both.

    def __init__(self, request: Request) -> None:
        self.request = request
        self.root = request.root
        self.base = from_root(request.folder, request.root)
        self.edges: list[Edge] = []
        self.steps: list[Step] = []
        self.objects: dict[str, Path] = {}
        self.findings: list[Diagnostic] = []
        self.missing: list[Diagnostic] = []
        self.commands: list[tuple[str, str, tuple[str, ...]]] = []
        self.helper_users: dict[tuple[str, ...], list[str]] = {}
        self.headed = False

    @property
    def compiler(self) -> Compiler:
        # `needs_compiler` decides before anything is planned
        if self.request.compiler is None:
            raise ValueError("an extension needs a compiler and the request has none")
        return self.request.compiler

    def add(self, extension: Extension) -> None:
        flags = self.compiler.flags if extension.sources else ()
        found = tuple(findings(extension, flags=flags, root=self.root))
        self.findings += found
        if found:
            return
        compiled = [self.compiled(extension, source) for source in extension.sources]
        merged = _needs_merge(extension)
        if compiled and not merged:
            flags = (*self.compiler.flags, *extension.cflags)
            merged = wants_merge(self.compiler.kind, flags)
        if merged:
            self.objects[extension.name] = self.merged(extension, compiled)
        elif compiled:
            self.objects[extension.name] = self.root / compiled[0]
        else:
            self.objects[extension.name] = extension.objects[0].path

    def compiled(self, extension: Extension, source: FileRef) -> str:
        spelled = from_root(source.path, self.root)
        name = object_name(extension.name, spelled)
        output = f"{self.base}/{name}"
        tongue = language(source.text)
        if tongue is None:  # refused before
            return output
        # preprocessed assembler has headers; the other kind has none to track
        tracked = tongue is not Language.ASSEMBLER
        front, flags = self.flags(extension, tongue, name)
        headers = ("-MD", "-MF", f"{output}.d", "-MT", "o") if tracked else ()
        words = (*front, *flags, *headers, "-c", spelled, "-o", output)
        self.commands.append((spelled, output, words))
        self.edge(
            Step(
                action=Action.COMPILE,
                extension=extension.name,
                subject=source.text,
                at=source.at,
                output=output,
                words=(*self.compiler.launcher, *words),
            ),
            inputs=(spelled, self.stamp),
            response=len(flags),
            depfile=f"{output}.d" if tracked else None,
        )
        return output

    def flags(
        self, extension: Extension, tongue: Language, seed: str
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        compiler = self.compiler
        given = (*compiler.flags, *extension.cflags)
        root = (self.root.as_posix(), ".")
        maps = (*self.request.prefix_maps, root, *own_folders(compiler.kind, compiler.path))
        defines = (
            f"-D{name}" if value is None else f"-D{name}={value}"
            for name, value in extension.defines
        )
        includes = (f"-I{from_root(each.path, self.root)}" for each in extension.include_dirs)
        header = at_exit_flags(compiler.kind, tongue, self.base)
        self.headed = self.headed or bool(header)
        return compiler.words(tongue, given), (
            *header,
            *default_flags(compiler.kind, tongue, compiler.machine[0]),
            *unasked_flags(given, compiler.machine),
            *reproducible_flags(compiler.kind, tongue, maps=maps, seed=seed),
            *spoken(compiler.kind, tongue, given, machine=compiler.machine),
            *defines,
            *includes,
        )

    def merged(self, extension: Extension, compiled: list[str]) -> Path:
        compiler = self.compiler
        if compiler.linker is None:
            self.missing.append(no_linker(extension, compiler))
            return self.root
        prebuilt = [from_root(each.path, self.root) for each in extension.objects]
        folder = f"{self.base}/{folder_name(extension.name)}"
        output = f"{folder}/merged.o"
        flags = (*compiler.flags, *extension.cflags)
        runtime = extension.compiler_runtime is CompilerRuntime.TOOLCHAIN
        split = runtime and compiler.kind is Kind.ZIG
        target = f"{folder}/without-helpers.o" if split else output
        roots = [each for name in extension.exports for each in ("-u", name.text)]
        archives = any(map(is_archive, extension.objects))
        inputs = [*compiled, *prebuilt, *(self.library() if runtime else ())]
        tail = (*inputs, *(("-lgcc",) if runtime and compiler.kind is Kind.GCC else ()))
        self.edge(
            self.merge_step(
                extension,
                target,
                (
                    *compiler.linker,
                    *(merge_flags(flags) if compiler.kind is Kind.GCC else ()),
                    *("-o", target),
                    *(roots if archives else ()),
                    *tail,
                ),
            ),
            inputs=(*inputs, self.stamp),
            response=len(tail),
        )
        if split:
            self.with_helpers(extension, flags, target, output)
        return self.root / output

    def merge_step(self, extension: Extension, output: str, words: tuple[str, ...]) -> Step:
        return Step(
            action=Action.MERGE,
            extension=extension.name,
            subject=extension.name,
            at=extension.at,
            output=output,
            words=words,
        )

    def library(self) -> tuple[str, ...]:
        # clang's helpers, which are a plain archive; others come in their own way
        if self.compiler.kind is Kind.CLANG and self.request.runtime is not None:
            return (from_root(self.request.runtime, self.root),)
        return ()

    def with_helpers(
        self, extension: Extension, flags: tuple[str, ...], bare: str, output: str
    ) -> None:
        archive, words = helper_archive(self.compiler, flags, self.base)
        users = self.helper_users.setdefault(words, [])
        if not users:
            self.edge(
                Step(
                    action=Action.HELPERS,
                    extension=extension.name,
                    subject=extension.name,
                    at=extension.at,
                    output=archive,
                    words=words,
                ),
                inputs=(self.stamp,),
            )
        users.append(extension.name)
        linker = self.compiler.linker or ()
        self.edge(
            self.merge_step(
                extension,
                output,
                helper_step(self.request.python, linker, bare, archive, output),
            ),
            inputs=(bare, archive),
        )

    def programs(self) -> tuple[str, ...]:
        return (str(self.compiler.path), *self.compiler.launcher[:1], *self.library())

    @property
    def stamp(self) -> str:
        return f"{self.base}/compiler.txt"

    def edge(
        self,
        step: Step,
        *,
        inputs: tuple[str, ...],
        response: int = 0,
        depfile: str | None = None,
    ) -> None:
        self.edges.append(
            Edge(
                output=step.output,
                inputs=inputs,
                words=step.words,
                response=response,
                depfile=depfile,
                # a number, so that the step can be found again by what ninja prints
                description=str(len(self.steps)),
            )
        )
        self.steps.append(step)

    def said(self) -> str:
        # every command as text, but for where the root is
        lines = ("\0".join((each.output, *each.inputs, "", *each.words)) for each in self.edges)
        return "\n".join(lines).replace(self.root.as_posix(), ".")

    def plan(self) -> Plan:
        text = ninja_text(self.edges, folder=self.base, host=self.request.host)
        files: list[tuple[Path, bytes]] = []
        digest = hashlib.sha256(self.said().encode("utf-8", "surrogateescape"))
        if self.edges:
            stamp = f"{self.compiler.stamp}\n".encode("utf-8", "surrogateescape")
            digest.update(stamp)
            folder = self.request.folder
            if self.helper_users:
                files.append((folder / ROOT_NAME, ROOT_TEXT))
            if self.headed:
                files.append((folder / HEADER_NAME, HEADER_TEXT))
                digest.update(HEADER_TEXT)
            files += [
                (folder / "compiler.txt", stamp),
                (folder / "compile_commands.json", _compile_commands(self.root, self.commands)),
                (folder / "build.ninja", text.encode("utf-8", "surrogateescape")),
            ]
        inputs = [
            file
            for extension in self.request.extensions
            for file in (*extension.sources, *extension.objects)
        ]
        return Plan(
            root=self.root,
            folder=self.request.folder,
            shown=self.request.shown,
            objects=self.objects,
            steps=tuple(self.steps),
            files=tuple(files),
            inputs=tuple(inputs),
            programs=self.programs() if self.edges else (),
            digest=digest.hexdigest(),
            launched=bool(self.edges and self.compiler.launcher),
        )


def _compile_commands(root: Path, commands: Sequence[tuple[str, str, tuple[str, ...]]]) -> bytes:
    # JSON compilation database; editors want the folder as an absolute path. A row a line, which
    # is faster than a row of lines
    from json import JSONEncoder  # noqa: PLC0415  # not where nothing is compiled

    encode = JSONEncoder(check_circular=False).encode
    rows = [
        encode({"directory": str(root), "file": source, "output": output, "arguments": words})
        for source, output, words in commands
    ]
    return ("[\n" + ",\n".join(rows) + "\n]\n").encode()
