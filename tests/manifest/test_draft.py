# SPDX-License-Identifier: Apache-2.0
"""First manifests: whatever goes in, the tool itself reads it back."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from support.manifests import complaints, read

from west_llext.manifest.draft import Draft, DraftExtension, text
from west_llext.model.manifest import Memory, Mode, Toolchain

WHOLE = Draft(
    build_dir="../build",
    image="out dir/base.elf",
    zephyr_version="4.10",
    toolchain=Toolchain(cc="clang", target="thumbv7m-none-eabi", cflags=("-mthumb", "-DA='b'")),
    exports=("printk", "no", "memcpy"),
    memories=(Memory(name="ram", address=0x20000000, size=96 << 10, access="rwx"),),
    extensions=(
        DraftExtension(
            name="filters",
            sources=("src/a.c", "src/{x}.c"),
            include_dirs=("include",),
            exports=("run",),
            mode=Mode.BOUND,
        ),
        DraftExtension(name="1.10", objects=("#odd.o", "- x.o", "0x10", "~")),
    ),
    schema="schemas/llext-manifest.schema.json",
)


def test_first_manifest_is_commented_and_complete(tmp_path: Path) -> None:
    """What `init` writes is read by people: the whole text."""
    expected = """\
# yaml-language-server: $schema=schemas/llext-manifest.schema.json
# Loadable extensions: 'west llext build' makes them, 'west llext check' validates this.
version: 1

base: # the firmware that loads them
  build-dir: ../build # image, settings and compiler come from it
  image: 'out dir/base.elf'
  zephyr-version: '4.10'
  toolchain:
    cc: clang
    target: thumbv7m-none-eabi
    cflags: [-mthumb, '-DA=''b''']
  exports: # become the generated symbol table
    - symbols: [printk, 'no', memcpy]
  memory: # where prelocated extensions may lie
    - {name: ram, address: 0x20000000, size: 96K, access: rwx}

defaults: # for every extension
  mode: relocatable # or bound: made for one base; prelocated: at fixed addresses
  cflags: [-Os]

extensions:
  - name: filters
    sources: [src/a.c, 'src/{x}.c']
    include-dirs: [include]
    exports: [run]
    mode: bound
  - name: '1.10'
    objects: ['#odd.o', '- x.o', '0x10', '~']
    # exports: [NAME] # besides those that the source exports itself
"""
    assert expected == text(WHOLE)
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "app"
    folder.mkdir()
    manifest, warnings = read(folder, expected)
    assert warnings == ()
    assert [each.text for each in manifest.extensions[1].objects] == [
        "#odd.o",
        "- x.o",
        "0x10",
        "~",
    ]


def test_manifest_made_of_nothing_is_valid_and_shows_what_to_add(tmp_path: Path) -> None:
    """Its commented lines, made real, are valid too."""
    draft = text(Draft())
    assert complaints(tmp_path, draft) == ""
    real = [
        line.replace("# ", "", 1) if line.lstrip().startswith(("#   -", "# ext", "# mem")) else line
        for line in draft.splitlines()
    ]
    real = [line.replace("#     ", "    ", 1) for line in real]
    manifest, _ = read(tmp_path, "\n".join(real))
    assert [each.name for each in manifest.extensions] == ["hello"]
    assert [each.name for each in manifest.base.memories] == ["ext_ram"]


def test_long_lists_get_a_line_for_each_entry(tmp_path: Path) -> None:
    """An init from thirty sources stays readable."""
    sources = tuple(f"src/file_number_{each:02}.c" for each in range(30))
    draft = text(
        Draft(extensions=(DraftExtension(name="a", sources=sources),), exports=sources[:0])
    )
    assert max(len(line) for line in draft.splitlines()) <= 100
    manifest, _ = read(tmp_path, draft)
    assert tuple(each.text for each in manifest.extensions[0].sources) == sources


@given(
    st.lists(
        st.text(
            st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="*?"),
            min_size=1,
            max_size=12,
        ),
        min_size=1,
        max_size=6,
        unique=True,
    )
)
def test_any_path_survives(paths: list[str]) -> None:
    """Quoting is ours, reading is libyaml's."""
    draft = text(Draft(extensions=(DraftExtension(name="a", sources=tuple(paths)),)))
    with tempfile.TemporaryDirectory() as folder:
        manifest, _ = read(Path(folder), draft, allow_outside=True)
    assert [each.text for each in manifest.extensions[0].sources] == [
        each.replace("\\", "/") for each in paths
    ]
