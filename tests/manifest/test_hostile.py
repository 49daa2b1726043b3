# SPDX-License-Identifier: Apache-2.0
"""Manifests from strangers: diagnostics in bounded time, whatever the bytes."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.manifests import codes, complaints

from west_llext.diagnostics import LlextError
from west_llext.manifest import source
from west_llext.manifest.load import manifest
from west_llext.manifest.nodes import MAX_NODES
from west_llext.manifest.source import MAX_SIZE
from west_llext.manifest.text import MAX_SUGGESTED

#: A manifest with something of everything, to be damaged.
WHOLE = """\
version: 1
base:
  build-dir: build
  zephyr-version: 4.10
  toolchain: {cc: "arm-none-eabi-gcc", cflags: [-mthumb]}
  exports:
    - printk
    - {group: libc, when: CONFIG_A && (CONFIG_B || CONFIG_C > 5), symbols: [memcpy]}
  memory: &memory
    - {name: ram, address: 0x20000000, size: 64K, access: rwx}
defaults:
  defines: {A: 1, B: ~, C: 'it''s'}
  cflags: &flags [-Os, "\\x41"]
extensions:
  - name: filters # a comment
    sources:
      - src/fir.c
    cflags: *flags
    mode: prelocated
    place: {text: ram}
  - {name: mathlib, objects: [a.o], imports-from: [filters], exports: [run]}
"""


def seconds(work: Callable[[], object], *, runs: int = 1) -> float:
    """The shortest time of some runs."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def test_billion_laughs_are_refused_quickly(tmp_path: Path) -> None:
    """Ten aliases of ten aliases of … : 10^9 values in 400 bytes."""
    lines = ["version: 1", "a0: &a0 [lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    text = "\n".join(lines)
    assert complaints(tmp_path, text) == (
        "llext.yml:8:5: error[M003]: aliases expand to more than 400000 values"
    )
    assert seconds(lambda: complaints(tmp_path, text), runs=3) < 0.2


def test_wide_aliases_are_refused_quickly(tmp_path: Path) -> None:
    """One long list, named a hundred thousand times: where the walker would go for each."""
    flags = ", ".join(["-x"] * 50_000)
    uses = ", ".join(["*e"] * 100_000)
    text = f"version: 1\nextensions: [&e {{name: a, cflags: [{flags}]}}, {uses}]\n"
    assert codes(complaints(tmp_path, text)) == ["M003"]
    assert seconds(lambda: complaints(tmp_path, text)) < 2


def test_aliases_of_long_text_are_refused(tmp_path: Path) -> None:
    """4 KiB, named a hundred thousand times: 400 MiB of flags for one command."""
    uses = ", ".join(["*f"] * 100_000)
    text = f"""\
version: 1
extensions:
  - name: a
    sources: [a.c]
    cflags: [&f "-D{"x" * 4000}", {uses}]
"""
    assert complaints(tmp_path, text) == (
        "llext.yml:5:13: error[M003]: aliases expand to more than 16 MiB of text"
    )


def test_long_text_in_place_of_a_list_is_not_taken_apart(tmp_path: Path) -> None:
    """Megabytes of words, which each use of an alias would be split into a list of for a hint."""
    words = "x " * 1000
    text = f"""\
version: 1
extensions:
  - name: a
    sources: &w "{words}"
  - name: b
    sources: *w
"""
    assert complaints(tmp_path, text) == "\n".join(
        f"llext.yml:{line}:14: error[M012]: 'sources' is the text '{words[:57]}...', expected a "
        "list of files, at least one"
        for line in (4, 4)
    )


def test_defaults_that_add_up_are_refused(tmp_path: Path) -> None:
    """2 MiB of flags in each of a thousand extensions."""
    flags = ", ".join([f"-D{'x' * 98}"] * 20_000)
    rows = "".join(f"  - {{name: e{each}, sources: [a.c]}}\n" for each in range(200))
    text = f"version: 1\ndefaults:\n  cflags: [{flags}]\nextensions:\n{rows}"
    assert complaints(tmp_path, text) == (
        "llext.yml:3:3: error[M003]: 'defaults' take 411 MiB in 200 extensions, expected at most "
        "256 MiB"
    )


def test_flags_that_add_up_over_sources_are_refused(tmp_path: Path) -> None:
    """A command for each of 10,000 sources, with 300 KB of flags each."""
    sources = ", ".join(f"s{each}.c" for each in range(10_000))
    flags = ", ".join(f"-DA{each:050}" for each in range(5000))
    text = f"""\
version: 1
extensions:
  - {{name: few, sources: [a.c], cflags: [{flags}]}}
  - {{name: many, sources: [{sources}]}}
  - name: both
    sources: [{sources}]
    cflags: [{flags}]
"""
    assert complaints(tmp_path, text) == (
        "llext.yml:5:11: error[M003]: the flags of all sources take more than 256 MiB"
    )


def test_more_memories_than_a_target_has_are_refused(tmp_path: Path) -> None:
    """M018: the memory of each section is looked for among all of them."""
    rows = "".join(
        f"    - {{name: m{each}, address: {each * 4096:#x}, size: 4K, access: rwx}}\n"
        for each in range(1001)
    )
    text = f"version: 1\nbase:\n  memory:\n{rows}extensions:\n  - {{name: a, sources: [a.c]}}\n"
    assert complaints(tmp_path, text) == (
        "llext.yml:4:5: error[M018]: 'memory' has 1001 entries, expected 1000 at most"
    )


def test_names_that_look_alike_are_searched_for_few_unknown_ones(tmp_path: Path) -> None:
    """M025 and M040: each search looks at every name that there is."""
    rows = "".join(
        f"  - {{name: filter{each}, sources: [a.c], imports-from: [filtr{each + 1}], "
        f"mode: prelocated, place: {{text: ram{each}}}}}\n"
        for each in range(30)
    )
    memory = "{name: ram, address: 0x1000, size: 4K, access: rwx}"
    text = f"version: 1\nbase:\n  memory: [{memory}]\nextensions:\n{rows}"
    found = complaints(tmp_path, text).splitlines()
    hints = [each for each in found if each.startswith("hint: ")]
    assert hints == [
        hint
        for each in range(MAX_SUGGESTED)
        for hint in (f"hint: write 'filter{each + 1}'", "hint: write 'ram'")
    ]
    assert len(found) == len(hints) + 2 * 30


@pytest.mark.parametrize("part", ["[", "- ", "{a: ", "? ", "[{a: ", "- - ", "!!seq ["])
def test_deep_nesting_is_refused_and_does_not_crash(tmp_path: Path, part: str) -> None:
    """A hundred thousand levels; libyaml's composer recurses on the machine's stack."""
    text = part * 100_000
    assert codes(complaints(tmp_path, text))[0] in {"M001", "M003"}
    assert seconds(lambda: complaints(tmp_path, text)) < 1


def test_deep_blocks_are_refused(tmp_path: Path) -> None:
    """The same by indentation, which costs the square of the depth in bytes."""
    text = "\n".join(" " * depth + "a:" for depth in range(2000))
    assert complaints(tmp_path, text) == (
        "llext.yml:64:64: error[M003]: nested deeper than 64 levels"
    )


def test_nesting_at_the_limit_is_read(tmp_path: Path) -> None:
    """64 levels, one of them the document's own mapping: unknown, but not too deep."""
    for depth, expected in ((62, ["M013", "M011"]), (63, ["M003"])):
        text = "extra: " + "[" * depth + "x" + "]" * depth
        assert sorted(codes(complaints(tmp_path, text))) == sorted(expected)


def test_large_files_are_refused_without_reading_on(tmp_path: Path) -> None:
    """A byte more than the limit; the limit itself is read, in bounded memory."""
    assert complaints(tmp_path, b"#" * (MAX_SIZE + 1)) == (
        "llext.yml: error[M003]: the file is larger than 4 MiB"
    )
    text = b"version: 1\n" + b"#" * (MAX_SIZE - 11)
    assert complaints(tmp_path, text) == ""


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no endless file here")
def test_endless_file_is_refused() -> None:
    """Reading stops at the limit."""
    with pytest.raises(LlextError, match="the file is larger than 4 MiB"):
        manifest(Path("/dev/zero"))


def test_many_values_are_refused(tmp_path: Path) -> None:
    """More than 400,000 fit into 4 MiB."""
    text = "version: 1\nextra: [" + "a," * (MAX_NODES + 1) + "]\n"
    start = time.process_time()
    assert codes(complaints(tmp_path, text)) == ["M003"]
    assert time.process_time() - start < 5


def test_huge_scalar_is_shown_in_part(tmp_path: Path) -> None:
    """Three mebibytes of name make a message of a line."""
    text = f"version: 1\nextensions: [{{name: {'x' * (3 << 20)}, sources: [a.c]}}]\n"
    said = complaints(tmp_path, text)
    assert said == (
        f"llext.yml:2:21: error[M021]: 'name' is '{'x' * 57}...' with 3145728 characters,"
        " expected 15 at most: the loader keeps no more of it"
    )


@pytest.mark.parametrize("key", ["k" * (1 << 20), "\\e[31m", "\\n::error::", "\\0", "\\u202e"])
def test_hostile_keys_cannot_play_with_the_terminal(tmp_path: Path, key: str) -> None:
    """No escape sequences, line breaks or direction marks are printed, and not much at all."""
    said = complaints(tmp_path, f'version: 1\n? "{key}"\n: 1\n')
    assert said.startswith("llext.yml:2:3: error[M011]: unknown key '")
    assert said.replace("\n", "").isprintable()
    assert len(said) < 300
    assert len(said.splitlines()) == 1


def test_many_findings_stop_the_search(tmp_path: Path) -> None:
    """The first thousand are shown, then one that says so."""
    text = "version: 1\nextensions: [" + "1, " * 50_000 + "]\n"
    found = codes(complaints(tmp_path, text))
    assert (found[:1000], found[1000:]) == (["M012"] * 1000, ["M019"])
    assert seconds(lambda: complaints(tmp_path, text)) < 2


def test_many_misspelled_names_are_answered_in_time(tmp_path: Path) -> None:
    """Each is compared with a thousand names to find the nearest."""
    lines = ["version: 1", "extensions:"]
    lines += [f"  - {{name: ext{n}, objects: [a.o], imports-from: [exd{n}]}}" for n in range(1000)]
    text = "\n".join(lines)
    start = time.process_time()
    said = complaints(tmp_path, text)
    assert time.process_time() - start < 5
    assert said.startswith(
        "llext.yml:3:49: error[M025]: 'ext0' imports from 'exd0',"
        " expected the name of an extension in this manifest\nhint: write 'ext10'\n"
    )


def test_long_chain_of_imports_does_not_recurse(tmp_path: Path) -> None:
    """Five thousand extensions, each importing from the next; the last from the first."""
    lines = ["version: 1", "extensions:"]
    lines += [
        f"  - {{name: e{n}, objects: [a.o], imports-from: [e{(n + 1) % 5000}]}}"
        for n in range(5000)
    ]
    assert complaints(tmp_path, "\n".join(lines)) == (
        "llext.yml:5002:50: error[M027]: extensions import from each other:"
        " 'e0' -> 'e1' -> 'e2' -> 'e3' -> 'e4' -> 'e5' -> (4989 more)"
        " -> 'e4995' -> 'e4996' -> 'e4997' -> 'e4998' -> 'e4999' -> 'e0'\n"
        "hint: move what they share to an extension of its own"
    )


def test_shared_lists_cannot_multiply(tmp_path: Path) -> None:
    """One file of 1,000 names, used 5,000 times."""
    names = "\n".join(f"- s{n}" for n in range(1000))
    text = "version: 1\nbase:\n  exports:\n" + "    - {from: list.yml}\n" * 5000
    said = codes(complaints(tmp_path, text, {"list.yml": names}))
    assert set(said) == {"M003", "M019"}
    assert seconds(lambda: complaints(tmp_path, text, {"list.yml": names})) < 3


def test_shared_lists_are_refused_for_the_same_reasons(tmp_path: Path) -> None:
    """Size, depth, encoding, tags: the same reader."""
    text = "version: 1\nbase:\n  exports:\n" + "".join(
        f"    - {{from: {n}.yml}}\n" for n in range(6)
    )
    files: dict[str, str | bytes] = {
        "0.yml": b"#" * (MAX_SIZE + 1),
        "1.yml": "[" * 1000,
        "2.yml": b"\xff\xfe-\0 \0a\0",
        "3.yml": "!x [a]",
        "4.yml": "",
        "5.yml": "a: &a [*a]",
    }
    said = complaints(tmp_path, text, files)
    assert codes(said) == ["M003", "M003", "M002", "M007", "M004", "M009"]
    assert [line[:6] for line in said.splitlines() if "error[" in line] == [
        f"{n}.yml:" for n in range(6)
    ]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("byte order mark", b"\xef\xbb\xbf" + WHOLE.encode()),
        ("line breaks of Windows", WHOLE.replace("\n", "\r\n").encode()),
        ("line breaks of old", WHOLE.replace("\n", "\r").encode()),
        ("document marks", b"---\n" + WHOLE.encode() + b"...\n"),
        ("directive", b"%YAML 1.1\n---\n" + WHOLE.encode()),
        ("no last line break", WHOLE.rstrip().encode()),
    ],
)
def test_harmless_forms_are_read_alike(tmp_path: Path, name: str, data: bytes) -> None:
    """Editors of all systems write manifests."""
    assert (name, complaints(tmp_path, data)) == (name, "")


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe" + WHOLE.encode("utf-16-le"),
        b"\xfe\xff" + WHOLE.encode("utf-16-be"),
        WHOLE.encode("utf-16-le"),
        WHOLE.encode("utf-32"),
        b"\0" * 100,
        b"\x1b[31m",
        b"a: \x7f",
        b"\xed\xa0\x80",
        b'"\\ud800"',
        b'"\\U00110000"',
        b"a: |\n\tb",
        b"%TAG ! tag:x,2000:\n---\n!a b",
        b"&a",
        b"*a",
        b"[,]",
        b"{]",
        b"- -\n-",
        b"? ? ?",
        b"!<tag:yaml.org,2002:str> x",
    ],
)
def test_odd_bytes_are_refused(tmp_path: Path, data: bytes) -> None:
    """Each with a code, none with a traceback; all of them are errors."""
    assert all(code.startswith("M0") for code in codes(complaints(tmp_path, data)))
    assert codes(complaints(tmp_path, data)) != []


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_random_bytes_only_make_diagnostics(tmp_path: Path, data: bytes) -> None:
    """Nothing but LlextError leaves the loader."""
    complaints(tmp_path, data)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.text(alphabet="-?:,[]{}#&*!|>'\"%@`ab \n\t\\~<=0x", max_size=60))
def test_random_yaml_only_makes_diagnostics(tmp_path: Path, data: str) -> None:
    """Text of YAML's own characters gets further than bytes."""
    complaints(tmp_path, data)
    complaints(tmp_path, "version: 1\nextensions: " + data)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_manifests_only_make_diagnostics(tmp_path: Path, seed: int) -> None:
    """Bytes removed, repeated, exchanged and inserted in a manifest that was right."""
    chance = random.Random(seed)  # noqa: S311  nothing secret
    parts = [b"- ", b"{", b"}", b"[", b"]", b": ", b"&a ", b"*a", b"!", b"'", b'"', b"\n  ", b"\0"]
    for _ in range(150):
        data = bytearray(WHOLE.encode())
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data))
            size = chance.randint(0, 20)
            data[at : at + size] = chance.choice(
                [b"", data[at : at + size] * 2, chance.choice(parts), chance.randbytes(2)]
            )
        complaints(tmp_path, bytes(data))


def test_reader_without_libyaml_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyYAML's own parser words syntax errors in its way; places and all else are the same."""
    files = sorted(Path(__file__).parent.joinpath("invalid").glob("*.yml"))
    fast = [complaints(tmp_path, each.read_bytes()) for each in files]
    monkeypatch.setattr(source, "_loader", lambda: source._PureLoader)
    slow = [complaints(tmp_path, each.read_bytes()) for each in files]
    for file, one, other in zip(files, fast, slow, strict=True):
        if file.stem.startswith("syntax"):
            assert (file.stem, codes(one)) == (file.stem, codes(other))
        else:
            assert (file.stem, one) == (file.stem, other)
    assert complaints(tmp_path, WHOLE) == ""
    for data in (b"[" * 100_000, b"- " * 1000, b'"\\ud800"', b'"\\U00110000"', b"\0", b"a: *a"):
        assert codes(complaints(tmp_path, data))[0] in {"M001", "M002", "M003"}


def test_memory_for_a_thousand_extensions_is_bounded(tmp_path: Path) -> None:
    """What 18 lines an extension leave behind; the nodes are gone by then."""
    lines = ["version: 1", "extensions:"]
    for n in range(1000):
        lines += [f"  - name: ext{n}", "    sources:"]
        lines += [f"      - src/ext{n}/file{k}.c" for k in range(14)]
        lines += ["    exports: [run]", "    mode: bound"]
    path = tmp_path / "llext.yml"
    path.write_text("\n".join(lines))
    tracemalloc.start()
    kept, _warnings = manifest(path)
    size, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(kept.extensions) == 1000
    assert size < 20 << 20
