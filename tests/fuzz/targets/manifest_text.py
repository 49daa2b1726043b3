# SPDX-License-Identifier: Apache-2.0
"""Text that may be a manifest: broken YAML, or YAML that nobody meant."""

from __future__ import annotations

from tests.fuzz.target import Target, attempt, scratch
from tests.fuzz.text_steps import YAML_WORDS, text_mutated
from west_llext.manifest.load import manifest

_WORDS = (
    *(
        "version: 1\n",
        "base:\n",
        "exports: [a]\n",
        "extensions:\n",
        "- name: a\n",
        "sources: [a.c]\n",
    ),
    *("objects: [a.o]\n", "mode: bound\n", "when: CONFIG_A && !B\n", "from: shared.yml\n", "M: 1"),
    *("memory:\n", "address: 0x20000000\n", "size: 64K\n", "access: rwx\n", "place: {text: ram}\n"),
    *("imports-from: [a]\n", "defines: {A: 1}\n", "cflags: [-O2]\n", "toolchain: {cc: gcc}\n"),
)

WHOLE = """\
version: 1
base:
  image: base.elf
  zephyr-version: 4.10
  toolchain: {cc: "arm-none-eabi-gcc", cflags: [-mthumb], launcher: [ccache]}
  exports:
    - printk
    - {group: libc, when: CONFIG_A && (!CONFIG_B || CONFIG_C > 5), symbols: [memcpy]}
    - {from: shared.yml, when: 'CONFIG_D = "x"'}
  memory:
    - {name: ram, address: 0x20000000, size: 64K, access: rwx}
defaults:
  mode: bound
  defines: {A: 1, B: ~, C: 'it''s'}
  cflags: &flags [-Os, "\\x41"]
extensions:
  - name: filters # a comment
    sources:
      - src/fir.c
    cflags: *flags
    mode: prelocated
    place: {text: ram, rodata: ram, data: ram, bss: ram}
    exports: [filters_run]
  - {name: mathlib, objects: [a.o, libm.a], exports: [run], compiler-runtime: toolchain,
     include-dirs: [include], mode: relocatable}
"""
_SHARED = """\
symbols:
- shared_one
- shared_two
"""


def seeds() -> dict[str, bytes]:
    """Manifests in different styles."""
    return {
        "whole": WHOLE.encode(),
        "short": b"version: 1\nextensions:\n- name: a\n  sources: [a.c]\n",
        "json": b'{"version": 1, "extensions": [{"name": "a", "objects": ["a.o"]}]}',
        "folded": b"version: 1\nbase:\n  zephyr-version: >-\n    4.3\n  exports: [\n   a, b ]\n",
        "list": b"version: 1\nbase:\n  exports:\n" + b"".join(b"  - f%d\n" % n for n in range(40)),
    }


def run(data: bytes) -> bool:
    """Read the manifest, which has a shared list beside it."""
    folder = scratch("manifest_text")
    (folder / "shared.yml").write_text(_SHARED, encoding="utf-8")
    (folder / "llext.yml").write_bytes(data)
    found = attempt(lambda: manifest(folder / "llext.yml", display="llext.yml"))
    if found is None:
        return False
    assert all(str(each) for each in found[1])
    names = [each.name for each in found[0].extensions]
    assert len(set(names)) == len(names)
    return True


TARGET = Target(
    name="manifest_text",
    seeds=seeds,
    run=run,
    mutate=text_mutated((*YAML_WORDS, *_WORDS)),
)
