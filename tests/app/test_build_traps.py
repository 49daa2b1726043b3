# SPDX-License-Identifier: Apache-2.0
"""Traps that other tools were seen in, each with the number that it has among those known.

T3, T4, T6, T8, T9 and T10 show in whole builds; the others belong to the link's own tests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from support.sample import COMPILERS, Sample
from support.workshop import SYMBOLS, Part, Workshop, base_elf

Samples = Callable[[str], Sample]


def with_extension(sample: Sample, text: str, **sources: str) -> None:
    """Let the sample have one extension `x` with these lines, and sources by name."""
    for name, source in sources.items():
        (sample.root / "src" / f"{name}.c").write_text(source, encoding="utf-8")
    head, _, _ = sample.manifest.read_text(encoding="utf-8").partition("extensions:\n")
    sample.manifest.write_text(f"{head}extensions:\n  - name: x\n{text}", encoding="utf-8")


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("mode", ["relocatable", "bound", "prelocated"])
def test_t3_a_relocatable_link_with_undefined_symbols_does_not_pass(
    mode: str, compiler: str, sample_of: Samples
) -> None:
    """`ld -r` and `ld -shared` end with 0 though symbols are undefined; a build doesn't."""
    sample = sample_of(compiler)
    place = "{text: ext_rom, data: ext_ram}"
    with_extension(
        sample,
        f"    sources: [src/a.c, src/b.c]\n    mode: {mode}\n    exports: [run]\n"
        + (f"    place: {place}\n" if mode == "prelocated" else ""),
        a="int nowhere(void);\nint run(void) { return nowhere(); }\n",
        b="int more;\n",
    )
    found = sample.failure()
    assert ["extension 'x' needs 'nowhere'" in each for each in found] == [True]


@pytest.mark.parametrize("compiler", COMPILERS)
def test_t4_every_undefined_symbol_is_listed(compiler: str, sample_of: Samples) -> None:
    """lld stops after 20 of them unless it is told not to; all 60 are found, from two sources."""
    sample = sample_of(compiler)
    names = [f"gone_{number}" for number in range(60)]
    calls = [
        "".join(f"extern int {name}(void);\n" for name in half)
        + f"int run_{number}(void) {{ return {' + '.join(f'{name}()' for name in half)}; }}\n"
        for number, half in enumerate((names[:30], names[30:]))
    ]
    with_extension(
        sample,
        "    sources: [src/a.c, src/b.c]\n    exports: [run_0, run_1]\n",
        a=calls[0],
        b=calls[1],
    )
    found = sample.failure()
    assert sorted(names) == sorted(
        match[1] for each in found if (match := re.search(r"needs '(\w+)'", each))
    )
    assert len(found) == 60


@pytest.mark.parametrize("compiler", COMPILERS)
def test_t6_nothing_is_dropped_for_want_of_a_root(compiler: str, sample_of: Samples) -> None:
    """`--gc-sections` keeps what one entry reaches; here exports and constructors are reached."""
    sample = sample_of(compiler)
    with_extension(
        sample,
        "    sources: [src/a.c, src/b.c]\n    exports: [first, second, table]\n    mode: bound\n"
        '    cflags: [-Os, -ffunction-sections, -fdata-sections, "-Wl,--gc-sections"]\n',
        a="int first(void) { return 1; }\n"
        "volatile int started;\n"
        "__attribute__((constructor)) static void start(void) { started = 2; }\n",
        b="int second(void) { return 3; }\nconst int table[] = {4, 5, 6};\n",
    )
    sample.build()
    report = json.loads((sample.output / "llext-build.json").read_text(encoding="utf-8"))
    (found,) = report["extensions"]
    assert set(found["exports"]) == {"first", "second", "table"}
    assert found["regions"]["init"]["size"] == 4
    assert found["regions"]["bss"]["size"] == 4


def test_t8_a_blob_holds_the_symbols_that_it_uses_and_no_other(tmp_path: Path) -> None:
    """With `-R base.elf`, GNU ld copies all 20,000 of the base image into every output."""
    names = {f"api_{number}": 0x1000 + 8 * number | 1 for number in range(20_000)}
    used = ("api_7", "api_19999", "printk")
    modes = ("relocatable", "bound", "prelocated")
    made = Workshop(
        tmp_path,
        [Part(name=mode[:5], mode=mode, calls=used) for mode in modes],
        base=base_elf({**SYMBOLS, **names}),
        exports=used,
    )
    made.build()
    for mode in modes:
        for suffix in ("llext", "elf"):
            path = made.output / f"{mode[:5]}.{suffix}"
            file = ELFFile(BytesIO(path.read_bytes()))
            tables = [each for each in file.iter_sections() if hasattr(each, "iter_symbols")]
            found = {symbol.name for table in tables for symbol in table.iter_symbols()}
            assert len(found) < 12, (mode, suffix)
            assert path.stat().st_size < 4096
    twin = ELFFile(BytesIO((made.output / "bound.elf").read_bytes()))
    symbols = {each.name for each in twin.get_section_by_name(".symtab").iter_symbols()}
    assert set(used) <= symbols


@pytest.mark.parametrize("compiler", COMPILERS)
def test_t9_a_linker_that_fails_fails_the_build(compiler: str, sample_of: Samples) -> None:
    """Its exit status isn't ignored: a symbol defined twice is an error of the merge."""
    sample = sample_of(compiler)
    with_extension(
        sample,
        "    sources: [src/a.c, src/b.c]\n    exports: [run]\n",
        a="int run(void) { return 1; }\n",
        b="int run(void) { return 2; }\n",
    )
    found = sample.failure()
    assert len(found) == 1
    assert "error[T013]: merging 'x' failed: " in found[0]
    assert re.search(r"(multiple definition of 'run'|duplicate symbol: run)", found[0])


@pytest.mark.cross
def test_t9_a_linker_that_cant_read_fails_the_build(sample_of: Samples) -> None:
    """And with that everything, before the link begins."""
    sample = sample_of("gcc")
    (sample.root / "src" / "a.o").write_bytes(b"no object")
    with_extension(
        sample,
        "    sources: [src/b.c]\n    objects: [src/a.o]\n    exports: [run]\n",
        b="int run(void) { return 2; }\n",
    )
    codes = {each.split("error[")[1].split("]")[0] for each in sample.failure()}
    assert codes == {"T013"}


def test_t10_nothing_accumulates_from_build_to_build(tmp_path: Path) -> None:
    """A size added to a file at every run moves everything; here ten runs make what one makes."""
    parts = [Part(name="a"), Part(name="b", code=100), Part(name="c", data=64)]
    once, often = Workshop(tmp_path / "once", parts), Workshop(tmp_path / "often", list(parts))
    once.build()
    for run in range(10):
        often.parts[1] = replace(parts[1], seed=run)
        often.build()
        if run % 3 == 0:
            (often.output / "b.llext").unlink()
        if run == 5:
            (often.output / ".west-llext" / "state.txt").unlink()
    often.parts = parts
    often.build()
    assert once.outputs() == often.outputs()
