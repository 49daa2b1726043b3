# SPDX-License-Identifier: Apache-2.0
"""The use case `exports`: the base image's symbol table, generated before the base is linked.

Needs neither an image nor a compiler. Conditions (`when`) are decided where there is a .config;
elsewhere the generated code asks them.
"""

from __future__ import annotations

import os
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path

from west_llext.app.bases import base_of, folder_of, linked_exports
from west_llext.app.requests import ImageUse, Request
from west_llext.base.config import config_settings
from west_llext.base.exports import SLID_SETTING
from west_llext.diagnostics import Diagnostic, LlextError
from west_llext.elf.read import file_content
from west_llext.emit import exports_c, exports_h
from west_llext.emit.exports_c import HEADER_NAME, Flavour
from west_llext.emit.files import put
from west_llext.emit.outputs import Changes, Outputs, Stale
from west_llext.emit.slids import collisions
from west_llext.emit.trim import Dropped, trimmed
from west_llext.manifest.kconfig import holds
from west_llext.manifest.load import manifest as read_manifest
from west_llext.model.manifest import ExportGroup, Manifest, Memory
from west_llext.record import record

SOURCE_NAME = "llext_exports.c"
#: Where a trimmed table goes, in the output folder.
TRIMMED_FOLDER = "trimmed"


class Trim(Enum):
    """Which of the manifest's exports come into the table."""

    #: all of them
    NOTHING = "nothing"
    #: those that an extension of the manifest uses
    UNUSED = "unused"


@record(frozen=True, slots=True, kw_only=True)
class ExportsRequest:
    """What to generate.

    build: manifest, output folder and so on; its extensions are those whose needs count
    flavour: None for what the manifest's base image is
    """

    build: Request
    flavour: Flavour | None = None
    trim: Trim = Trim.NOTHING


@record(frozen=True, slots=True, kw_only=True)
class ExportsResult:
    """The generated files.

    source, header: their text
    names: exported symbols, sorted
    off: names in groups that the configuration switches off, sorted
    conditional: how many of `names` the preprocessor decides about
    already: those of `names` that the table leaves out, because sources of the base image export
        them, sorted
    dropped: what was trimmed away; `saved` bytes of the base image in all
    inputs: files that decide about it
    """

    flavour: Flavour
    trim: Trim
    source: str
    header: str
    names: tuple[str, ...]
    off: tuple[str, ...] = ()
    conditional: int = 0
    already: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    saved: int = 0
    findings: tuple[Diagnostic, ...] = ()
    inputs: tuple[Path, ...] = ()

    def files(self) -> dict[str, str]:
        """The two files, by name."""
        return {SOURCE_NAME: self.source, HEADER_NAME: self.header}


def exports(request: ExportsRequest) -> ExportsResult:
    """Generate the table; writes nothing.

    Raises LlextError for what is wrong with the manifest or a name in it (M, O005 to O007),
    UsageError (O009) for extensions that it doesn't have, and MissingError (T021) where trimming
    lacks the object of an extension.
    """
    asked = request.build
    manifest, findings = read_manifest(
        asked.manifest,
        allow_outside=asked.allow_outside,
        display=asked.display,
    )
    if asked.extensions:  # only trimming goes by them, but a wrong name is wrong anyway
        from west_llext.app.inputs import chosen  # noqa: PLC0415  # it takes much along

        chosen(manifest, asked)
    folder = folder_of(manifest, asked)
    flavour = request.flavour or flavour_of(manifest, folder)
    config = settings(folder) if folder else None
    wanted, off = switched_on(manifest.base.exports, config)
    own = _own_exports(request, manifest)
    dropped: tuple[Dropped, ...] = ()
    match request.trim:
        case Trim.NOTHING:
            pass
        case Trim.UNUSED:
            from west_llext.app.needed import needs  # noqa: PLC0415  # it takes much along

            found = needs(asked, manifest)
            kept = trimmed(wanted, found.names, bits=found.bits)
            wanted, dropped = kept.groups, kept.dropped
    return ExportsResult(
        flavour=flavour,
        trim=request.trim,
        **tables(
            wanted,
            flavour,
            origin=asked.manifest.name,
            config=config,
            own=own,
            memories=manifest.base.memories,
        ),
        names=tuple(sorted({name.text for group in wanted for name in group.symbols})),
        off=tuple(sorted({name.text for group in off for name in group.symbols})),
        already=tuple(
            sorted({name.text for group in wanted for name in group.symbols if name.text in own})
        ),
        conditional=sum(len(group.symbols) for group in wanted if group.when is not None),
        dropped=dropped,
        saved=sum(each.size for each in dropped),
        findings=findings,
        inputs=(*manifest.inputs, *asked.linked, *([] if folder is None else [_config(folder)])),
    )


def _own_exports(request: ExportsRequest, manifest: Manifest) -> Container[str]:
    # of objects that will be linked, or else of the image that was linked the last time
    asked = request.build
    if asked.linked or asked.image is ImageUse.IGNORED:
        return linked_exports(asked.linked)
    try:
        image = base_of(manifest, asked).image
    except LlextError:  # not there yet, or half of it
        return frozenset()
    return frozenset() if image is None else image.own_exports


def without(groups: Sequence[ExportGroup], own: Container[str]) -> tuple[ExportGroup, ...]:
    """The groups without names that the base image's own sources export."""
    kept = (
        replace(group, symbols=tuple(each for each in group.symbols if each.text not in own))
        for group in groups
    )
    return tuple(group for group in kept if group.symbols)


def written(result: ExportsResult, folder: Path) -> Changes:
    """Put the generated files into the output folder; what changed, relative to it.

    A trimmed table has a folder of its own there: a build writes the whole one.
    """
    if result.trim is Trim.UNUSED:
        names = {f"{TRIMMED_FOLDER}/{name}": text for name, text in result.files().items()}
        changed = tuple(name for name, content in names.items() if put(folder / name, content))
        return Changes(written=changed, untouched=len(names) - len(changed))
    outputs = Outputs(folder)
    for name, content in result.files().items():
        outputs.add(name, content)
    return outputs.commit(Stale.KEEP)


def flavour_of(manifest: Manifest, build_dir: Path | None) -> Flavour:
    """For whom the table of a manifest is: Zephyr, where anything says that the base is that."""
    if build_dir is not None or manifest.base.zephyr_version is not None:
        return Flavour.ZEPHYR
    return Flavour.STANDALONE


def settings(build_dir: Path) -> Mapping[str, str] | None:
    """The Kconfig settings of a build directory; None where it isn't configured yet."""
    path = _config(build_dir)
    if not os.path.isfile(path):  # noqa: PTH113 (Path.is_file raises for long names)
        return None
    return config_settings(file_content(path).decode("utf-8", "replace"))


def _config(build_dir: Path) -> Path:
    return build_dir / "zephyr" / ".config"


def switched_on(
    groups: Sequence[ExportGroup], config: Mapping[str, str] | None
) -> tuple[tuple[ExportGroup, ...], tuple[ExportGroup, ...]]:
    """The groups that are exported, and those that aren't; all are where nothing is configured.

    A group whose condition was decided has none any more.
    """
    if config is None:
        return tuple(groups), ()
    on = []
    off = []
    for group in groups:
        if group.when is None or holds(group.when, config):
            on.append(replace(group, when=None))
        else:
            off.append(group)
    return tuple(on), tuple(off)


def tables(
    groups: Sequence[ExportGroup],
    flavour: Flavour,
    *,
    origin: str,
    config: Mapping[str, str] | None,
    own: Container[str] = frozenset(),
    memories: Sequence[Memory] = (),
) -> dict[str, str]:
    """The texts of the generated files as `source` and `header`; `origin` is in their first line.

    config: Kconfig settings of the base image, where they are known
    own: names that the base image's sources export; the table leaves them out, the header doesn't
    memories: those of the manifest, for the header
    Raises LlextError for what can't be said in C (O005 to O007), and for names that the base image
    couldn't tell apart (O032).
    """
    if config is not None and config.get(SLID_SETTING) == "y":
        found = [*collisions(groups, 8 if config.get("CONFIG_64BIT") == "y" else 4)]
        if found:
            raise LlextError(found)
    return {
        "source": exports_c.text(
            without(groups, own), flavour=flavour, origin=origin, config=config
        ),
        "header": exports_h.text(groups, flavour=flavour, origin=origin, memories=memories),
    }
