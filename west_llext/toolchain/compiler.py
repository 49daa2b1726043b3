# SPDX-License-Identifier: Apache-2.0
"""Which compiler there is, and how it is called."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath

from west_llext.diagnostics import Diagnostic, LlextError, MissingError, Span
from west_llext.model.base import Abi
from west_llext.model.manifest import Toolchain
from west_llext.record import record
from west_llext.toolchain.flags import Kind, Language, driver_words
from west_llext.toolchain.machines import (
    EM_386,
    EM_AARCH64,
    EM_ARM,
    EM_X86_64,
    TARGETS,
    Target,
    convention_flags,
    flags_of,
    machine_of,
    machine_of_flags,
    selects_cpu,
)
from west_llext.toolchain.zig import zig_target

_DEFAULT_MACHINE = (EM_ARM, 32)


@record(frozen=True, slots=True, kw_only=True)
class Compiler:
    """A compiler for one target, ready to be called.

    path: its program
    linker: words of a command that merges objects (`-r` included) in front of `-o`; None where
        there is no linker
    launcher: words in front of every compile command
    flags: the toolchain's flags, in gcc's spelling, behind those that fit the base image
    machine: e_machine and bits of what it makes
    triple: clang's or zig's name for the target, where the user gave one
    stamp: text that is another one when the program is
    """

    kind: Kind
    path: Path
    linker: tuple[str, ...] | None
    launcher: tuple[str, ...]
    flags: tuple[str, ...]
    machine: tuple[int, int]
    triple: str | None
    stamp: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.name

    def words(self, language: Language, flags: Sequence[str]) -> tuple[str, ...]:
        """The words that begin a command for sources of that language.

        flags: every flag in gcc's spelling that will follow; some speak of the processor
        """
        return driver_words(
            self.kind, str(self.path), language, flags, machine=self.machine, triple=self.triple
        )


def compiler(
    spec: Toolchain,
    *,
    root: Path,
    environment: Mapping[str, str],
    base: Abi | None = None,
) -> Compiler:
    """The compiler that a manifest (or a build directory) names, or the first one found.

    root: folder that a relative path in `spec.cc` starts from
    environment: for PATH
    base: what the base image is; decides which compilers to look for and, where the flags choose
        no processor, for which processor to compile
    Raises MissingError (T001, T002, T003) where there is none, LlextError (T009) where the one
    that was asked for has no such target.
    """
    flags = spec.cflags
    if base is not None:
        chosen = spec.target is not None or selects_cpu(flags)
        known = () if chosen else flags_of(base)
        flags = (*known, *(each for each in convention_flags(base) if each not in known), *flags)
    machine = _machine(spec, flags, base)
    search = environment.get("PATH", "")
    if spec.cc is None:
        path = _first_found(TARGETS[machine], search)
        if path is None:
            raise MissingError([_none_found(spec, TARGETS[machine])])
    else:
        path = _named(spec, root, search)
    launcher = _launcher(spec, root, search)
    return compiler_at(
        path, spec=spec, flags=flags, machine=machine, launcher=launcher, search=search
    )


def compiler_at(
    path: Path,
    *,
    spec: Toolchain,
    flags: tuple[str, ...],
    machine: tuple[int, int],
    launcher: tuple[str, ...],
    search: str,
) -> Compiler:
    """The compiler whose program is known, from wherever: a search, a build directory's record.

    flags: in gcc's spelling
    search: folders to look for a linker in, as in PATH
    """
    kind = kind_of(path.name)
    if kind is Kind.ZIG and zig_target(flags, machine=machine, triple=spec.target) is None:
        raise LlextError([_no_target("zig", spec, TARGETS[machine])])
    if kind is Kind.GCC and _is_of_another_machine(path, machine[0]):
        raise LlextError([_no_target(path.name, spec, TARGETS[machine])])
    return Compiler(
        kind=kind,
        path=path,
        linker=_linker(kind, path, TARGETS[machine], search, _emulation(machine, flags)),
        launcher=launcher,
        flags=flags,
        machine=machine,
        triple=spec.target,
        stamp=_stamp(path),
    )


def kind_of(name: str) -> Kind:
    """Whose command line a program of that name has."""
    if re.search(r"(^|\W)zig", name):
        return Kind.ZIG
    return Kind.CLANG if "clang" in name else Kind.GCC


def version(compiler: Compiler) -> str:
    """What the compiler says it is: one line. Runs it; ask once."""
    from subprocess import DEVNULL, PIPE, run  # noqa: PLC0415  # only reports ask

    words = [str(compiler.path), "version" if compiler.kind is Kind.ZIG else "--version"]
    done = run(words, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, check=False)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    text = lines[0].strip() if lines else "unknown"
    return f"zig {text}" if compiler.kind is Kind.ZIG else text


def runtime_library(compiler: Compiler) -> Path:
    """The compiler's own library of helpers, for a clang; gcc finds its own, zig makes its own.

    Raises MissingError (T018) where it has none for the target. Runs the compiler.
    """
    from subprocess import DEVNULL, PIPE, run  # noqa: PLC0415  # only where helpers are asked for

    front = compiler.words(Language.C, compiler.flags)
    words = [*front, *compiler.flags, "--rtlib=compiler-rt", "-print-libgcc-file-name"]
    done = run(words, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, check=False)
    path = Path(done.stdout.decode("utf-8", "replace").strip())
    if done.returncode or not path.is_file():
        raise MissingError(
            [
                Diagnostic(
                    code="T018",
                    at=Span(compiler.path),
                    message=f"'{compiler.name}' has no library of compiler helpers for "
                    f"{TARGETS[compiler.machine].name}: expected '{path.as_posix()}'",
                    hint="export the helpers from the base image and set 'compiler-runtime: base'",
                )
            ]
        )
    return path


def _machine(spec: Toolchain, flags: tuple[str, ...], base: Abi | None) -> tuple[int, int]:
    # what is said most plainly comes first
    others = (
        (base.ident.machine, base.ident.bits) if base else None,
        machine_of(Path(spec.cc or "").name),
    )
    said = machine_of_flags(flags)
    # many processors have both of Arm's instruction sets
    said = None if said == (EM_AARCH64, 64) and (EM_ARM, 32) in others else said
    named = (machine_of(spec.target or ""), said, *others)
    return next((each for each in named if each and each in TARGETS), _DEFAULT_MACHINE)


def _first_found(target: Target, search: str) -> Path | None:
    for name in _candidates(target):
        found = _program(name, search)
        if found:
            return found
    return _packaged_zig() or _program("clang", search)


def _candidates(target: Target) -> Iterator[str]:
    for prefix in target.gcc:
        yield f"{prefix}gcc"


def _program(name: str, search: str) -> Path | None:
    # absolute, because commands run in another folder than we do
    from shutil import which  # noqa: PLC0415  # only where there is something to compile

    found = which(name, path=search)
    return Path(found).absolute() if found else None


def _packaged_zig() -> Path | None:
    # the program inside the package: its Python wrapper would take as long as a compilation
    from importlib.util import find_spec  # noqa: PLC0415  # not where a gcc was found

    found = find_spec("ziglang")
    if found is None or found.origin is None:
        return None
    for name in ("zig", "zig.exe"):
        path = Path(found.origin).with_name(name)
        if path.is_file():
            return path
    return None


def _named(spec: Toolchain, root: Path, search: str) -> Path:
    name = spec.cc or ""
    if "/" in name or "\\" in name:
        found = _program(str(root / name), search)
        if found:
            return found
        where = "isn't a program"
    else:
        found = _program(name, search) or (_packaged_zig() if name == "zig" else None)
        if found:
            return found
        where = "isn't on PATH"
        if name == "zig":
            where += ", and there is no Python package 'ziglang'"
    raise MissingError(
        [
            Diagnostic(
                code="T002",
                at=spec.at,
                message=f"compiler '{name}' {where}",
                hint=_no_program_hint(name, search),
            )
        ]
    )


def _no_program_hint(name: str, search: str) -> str:
    if name == "zig":
        return "run 'pip install ziglang'"
    first, *rest = name.split()
    if rest and _program(first, search):
        # a command line; what follows is flags, or a compiler behind its launcher
        if rest[0].startswith("-"):
            return f"write 'cc: {first}', and put the flags into 'cflags'"
        return f"write 'cc: {rest[0]}', and 'launcher: [{first}]'"
    return f"install '{name}', or name another compiler as 'cc'"


def _launcher(spec: Toolchain, root: Path, search: str) -> tuple[str, ...]:
    if not spec.launcher:
        return ()
    name = spec.launcher[0]
    if "/" in name or "\\" in name:
        found = _program(str(root / name), search)
        where = "isn't a program"
    else:
        found = _program(name, search)
        where = "isn't on PATH"
    if found is None:
        raise MissingError(
            [
                Diagnostic(
                    code="T003",
                    at=spec.at,
                    message=f"launcher '{name}' {where}",
                    hint=f"install '{name}', or remove 'launcher'",
                )
            ]
        )
    return (str(found), *spec.launcher[1:])


def _emulation(machine: tuple[int, int], flags: Sequence[str]) -> str:
    # of Arm's machines big-endian files have a format of their own
    orders = [flag for flag in flags if flag in {"-mbig-endian", "-mlittle-endian"}]
    big = orders[-1:] == ["-mbig-endian"] and machine[0] in {EM_ARM, EM_AARCH64}
    return TARGETS[machine].emulation + ("b" if big else "")


def _linker(
    kind: Kind, path: Path, target: Target, search: str, emulation: str
) -> tuple[str, ...] | None:
    match kind:
        case Kind.GCC:
            # not ld itself: gcc knows the emulation and the library for its machine flags, and
            # finishes what was compiled for link-time optimisation
            return (str(path), "-r", "-nostdlib")
        case Kind.CLANG:
            return _lld(path, target, search, emulation)
        case Kind.ZIG:
            # not `zig cc -r`, which takes longer and writes into a cache
            return (str(path), "ld.lld", "-r", "-m", emulation, "--error-limit=0")


def _lld(clang: Path, target: Target, search: str, emulation: str) -> tuple[str, ...] | None:
    # of the same release where it can be had: clang-17 comes with ld.lld-17
    suffix = clang.name.partition("clang")[2].removesuffix(".exe")
    names = dict.fromkeys((f"ld.lld{suffix}", "ld.lld"))
    for folder in (str(clang.parent), search):
        for name in names:
            found = _program(name, folder)
            if found:
                return (str(found), "-r", "-m", emulation, "--error-limit=0")
    for prefix in target.gcc:
        found = _program(f"{prefix}ld", search)
        if found:
            return (str(found), "-r", "-m", emulation)
    return None


def _stamp(path: Path) -> str:
    status = path.stat()
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def _none_found(spec: Toolchain, target: Target) -> Diagnostic:
    names = ", ".join(f"'{each}'" for each in _candidates(target))
    return Diagnostic(
        code="T001",
        at=spec.at,
        message=f"no compiler for {target.name} found: looked for {names} and 'clang' on PATH "
        "and for the Python package 'ziglang'",
        hint="run 'pip install ziglang'"
        if zig_target((), machine=machine_of(target.clang) or _DEFAULT_MACHINE, triple=None)
        else f"install '{target.gcc[0]}gcc'",
    )


def _is_of_another_machine(path: Path, number: int) -> bool:
    # By the prefix that gcc has where it is for one machine; a host's `gcc` may be a link to one
    # that has it. Those of x86 make code for both.
    own = machine_of(path.name) or machine_of(PurePath(os.path.realpath(path)).name)
    numbers = {number} if own is None else {number, own[0]}
    return len(numbers) > 1 and numbers != {EM_386, EM_X86_64}


def _no_target(name: str, spec: Toolchain, target: Target) -> Diagnostic:
    return Diagnostic(
        code="T009",
        at=spec.at,
        message=f"{name} makes no code for {target.name}",
        hint=f"set 'cc: {target.gcc[0]}gcc'",
    )
