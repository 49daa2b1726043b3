# SPDX-License-Identifier: Apache-2.0
"""What is built: a base image, objects, and a manifest that lists them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks import base_image, template

#: Within the reach of a branch from the base image, so that neither side needs a veneer.
FLASH, FLASH_SIZE = 0x00200000, "8M"
RAM, RAM_SIZE = 0x20200000, "4M"

_HEAD = """\
version: 1
base:
  image: {base}
  memory:
    - {{name: flash, address: {flash:#x}, size: {flash_size}, access: rx}}
    - {{name: ram, address: {ram:#x}, size: {ram_size}, access: rw}}
defaults:
  mode: prelocated
  place: {{text: flash, rodata: flash, data: ram, bss: ram}}
extensions:
"""
_EXTENSION = """\
  # extension {number}
  - name: {name}
    objects: [objects/{name}.o]
    exports: [{export}]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Prebuilt objects and the manifest that names them.

    names: of the extensions, which are those of their objects
    """

    folder: Path
    manifest: Path
    base: Path
    names: tuple[str, ...]

    @property
    def output(self) -> str:
        """Folder for what is built, relative to the workload's."""
        return f"{self.manifest.stem}-out"

    @property
    def made(self) -> tuple[str, str]:
        """All that a build makes, relative to the folder: outputs, and addresses to keep."""
        return self.output, f"{self.manifest.stem}.lock"

    def object(self, name: str) -> Path:
        """The object of an extension."""
        return self.folder / "objects" / f"{name}.o"


def workload(folder: Path, extensions: int, symbols: int) -> Workload:
    """A workload in a new folder; `symbols` of the base image."""
    (folder / "objects").mkdir(parents=True)
    base = base_image.build(folder, symbols)
    made = template.Template(template.compiled(folder))
    for number in range(extensions):
        own = template.names(number, symbols // 2, symbols // 2)
        (folder / "objects" / f"{_name(number)}.o").write_bytes(made.renamed(own))
    return _listed(folder, base, extensions)


def subset(given: Workload, extensions: int) -> Workload:
    """The first extensions of a workload, in the same folder."""
    return _listed(given.folder, given.base, extensions)


def _listed(folder: Path, base: Path, extensions: int) -> Workload:
    # with a manifest of its own
    places = {"flash": FLASH, "flash_size": FLASH_SIZE, "ram": RAM, "ram_size": RAM_SIZE}
    lines = [_HEAD.format(base=base.name, **places)]
    names = tuple(_name(number) for number in range(extensions))
    for number, name in enumerate(names):
        export = template.entry_name(number)
        lines.append(_EXTENSION.format(number=number, name=name, export=export))
    manifest = folder / f"llext-{extensions}.yml"
    manifest.write_text("".join(lines), encoding="utf-8")
    return Workload(folder=folder, manifest=manifest, base=base, names=names)


def _name(number: int) -> str:
    return f"ext{number:04}"
