# SPDX-License-Identifier: Apache-2.0
"""What the extensions of a build share: base image, exports, memories."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from west_llext.base.builddir import build_dir
from west_llext.base.image import image
from west_llext.elf.read import file_content
from west_llext.model.base import BaseImage
from west_llext.model.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The base image of a build, and the files that it was read from.

    image: None where the manifest names none
    """

    image: BaseImage | None
    inputs: tuple[Path, ...] = ()


def base_of(manifest: Manifest, override: Path | None) -> Base:
    """The base image that a manifest names; `override` is a build directory that goes before it.

    Raises MissingError where it can't be read.
    """
    folder = override or (manifest.base.build_dir.path if manifest.base.build_dir else None)
    named = manifest.base.image
    if folder is None and named is None:
        return Base(image=None)
    version, config = manifest.base.zephyr_version, {}
    if folder is not None:
        found = build_dir(folder)
        version, config = version or found.zephyr_version, found.config
        path, name = found.image, found.image_name
    if named is not None and override is None:
        path, name = named.path, named.text
    content = file_content(path, name)
    return Base(image=image(content, name, config=config, zephyr_version=version), inputs=(path,))
