# SPDX-License-Identifier: Apache-2.0
"""`west-llext info`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence

from west_llext.app.base_info import BaseInfo
from west_llext.app.blob_info import BlobInfo
from west_llext.app.fit import Fit
from west_llext.app.info import InfoRequest, InfoResult, info
from west_llext.arch.machines import machine_of
from west_llext.cli.console import Console
from west_llext.cli.report import Report, Stream, counted, status_of
from west_llext.diagnostics import has_errors
from west_llext.model.elf import Ident

#: Names that are shown; JSON has them all.
_MAX_NAMES = 40
_ALL = 1 << 30


def run(arguments: Namespace, _console: Console) -> Report:
    """Describe files; say of each blob whether it fits a base image."""
    asked = InfoRequest(
        files=tuple(arguments.files),
        base=arguments.base,
        build_dir=arguments.build_dir,
        domain=arguments.domain,
    )
    result = info(asked)
    most = _ALL if arguments.llext_verbosity == "verbose" else _MAX_NAMES
    return Report(
        verb="info",
        findings=result.findings,
        stream=Stream.RESULTS,
        result=_result(result),
        text="" if arguments.base is not None else _text(result, most),
        summary=_verdicts(result),
        status=status_of(result.findings),
        fallback=asked.files[0].as_posix(),
    )


def machine_name(ident: Ident) -> str:
    """`arm, 32 bits, little endian`."""
    known = machine_of(ident)
    name = f"e_machine {ident.machine}" if known is None else known.name
    return f"{name}, {ident.bits} bits, {'little' if ident.little else 'big'} endian"


def _verdicts(result: InfoResult) -> str:
    return "".join(f"{_verdict(each, result.base or '')}\n" for each in result.fits)


def _verdict(fit: Fit, base: str) -> str:
    if has_errors(fit.findings):
        return f"{fit.blob} doesn't fit {base}"
    return f"{fit.blob} fits {base}: {counted(fit.compared, 'symbol')} compared"


def _text(result: InfoResult, most: int) -> str:
    blocks = []
    for each in result.files:
        describe = _blob(each, most) if isinstance(each, BlobInfo) else _base(each, most)
        blocks.append("".join(f"{line}\n" for line in describe))
    return "\n".join(blocks)


def _blob(blob: BlobInfo, most: int) -> Iterator[str]:
    kind = "blob of another tool" if blob.mode is None else f"{blob.mode.value} blob"
    yield f"{blob.file}: {kind}, {machine_name(blob.abi.ident)}, {counted(blob.size, 'byte')}"
    if blob.identity is not None:
        yield f"  identity     {blob.identity}"
    regions = ", ".join(f"{region.label} {size}" for region, size in blob.regions().items())
    yield f"  regions      {regions or 'none'}"
    width = max((len(each.name) for each in blob.sections), default=0)
    for each in blob.sections:
        place = "" if each.address is None else f", at {each.address:#x}"
        left = f", {counted(each.relocations, 'relocation')}" if each.relocations else ""
        size = f"{each.size:>7} bytes, align {each.align}"
        yield f"  section      {each.name:<{width}}  {size}{place}{left}"
    exports = [
        f"{each.name or '?'} ({each.section or ''}{'+' if each.section else ''}{each.value:#x})"
        for each in blob.exports
    ]
    yield _listed("exports", exports, most)
    imports = [
        each.name + ("" if each.address is None else f" ({each.address:#x})")
        for each in blob.imports
    ]
    yield _listed("imports", imports, most)
    counts = [f"{name} {count}" for name, count in blob.left.items()]
    yield f"  relocations  {', '.join(counts) or 'none left'}"


def _base(base: BaseInfo, most: int) -> Iterator[str]:
    yield f"{base.file}: base image, {machine_name(base.abi.ident)}, {counted(base.size, 'byte')}"
    yield f"  sha256       {base.digest}"
    if base.zephyr_version is not None:
        yield f"  zephyr       {base.zephyr_version}"
    yield f"  symbols      {base.symbols}"
    if base.exports is None:
        yield "  exports      no table"
    else:
        yield _listed("exports", base.exports, most)
    if base.heap is not None:
        yield f"  heap         {base.heap} KiB (CONFIG_LLEXT_HEAP_SIZE)"
    if base.window is not None:
        low, high = base.window
        yield f"  loads into   [{low:#x}, {high:#x})"


def _listed(what: str, names: Sequence[str], most: int) -> str:
    shown = names[:most]
    more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
    listed = f": {', '.join(shown)}{more}" if shown else ""
    return f"  {what:<11}  {len(names)}{listed}"


def _result(result: InfoResult) -> dict[str, object]:
    return {
        "files": [
            _blob_object(each) if isinstance(each, BlobInfo) else _base_object(each)
            for each in result.files
        ],
        "base": result.base,
        "fits": [
            {
                "blob": each.blob,
                "matches": not has_errors(each.findings),
                "compared": each.compared,
            }
            for each in result.fits
        ],
    }


def _machine(ident: Ident) -> dict[str, object]:
    known = machine_of(ident)
    return {
        "number": ident.machine,
        "name": None if known is None else known.name,
        "bits": ident.bits,
        "endian": "little" if ident.little else "big",
        "flags": ident.flags,
    }


def _blob_object(blob: BlobInfo) -> dict[str, object]:
    return {
        "kind": "blob",
        "file": blob.file,
        "size": blob.size,
        "sha256": blob.digest,
        "machine": _machine(blob.abi.ident),
        "mode": None if blob.mode is None else blob.mode.value,
        "identity": blob.identity,
        "regions": {region.label: size for region, size in blob.regions().items()},
        "sections": [
            {
                "name": each.name,
                "region": None if each.region is None else each.region.label,
                "size": each.size,
                "align": each.align,
                "address": each.address,
                "relocations": each.relocations,
            }
            for each in blob.sections
        ],
        "exports": [
            {"name": each.name, "section": each.section, "value": each.value}
            for each in blob.exports
        ],
        "imports": [
            {"name": each.name, "address": each.address, "weak": each.weak} for each in blob.imports
        ],
        "relocations_left": dict(blob.left),
    }


def _base_object(base: BaseInfo) -> dict[str, object]:
    return {
        "kind": "base",
        "file": base.file,
        "size": base.size,
        "sha256": base.digest,
        "machine": _machine(base.abi.ident),
        "zephyr_version": base.zephyr_version,
        "symbols": base.symbols,
        "exports": None if base.exports is None else list(base.exports),
        "heap_kib": base.heap,
        "load_window": None if base.window is None else list(base.window),
    }
