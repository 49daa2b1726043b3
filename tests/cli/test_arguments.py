# SPDX-License-Identifier: Apache-2.0
"""Command lines: what is understood, what is refused, and that nothing ends in a traceback."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.commands import command
from support.project import project

from west_llext.cli.arguments import VERBS, parsed, parser, width

OPTIONS = [
    *("-m", "--manifest", "-d", "--build-dir", "-o", "--output", "-e", "--extension", "-j"),
    *(
        "--jobs",
        "--format",
        "--json",
        "-q",
        "-v",
        "--quiet",
        "--verbose",
        "--allow-outside",
        "--flavour",
        "--trim",
    ),
    *("--stdout", "--base", "--force", "--stand-in", "--help", "--version", "--", "--domain"),
    *("--base-symbols", "--storage", "--pre-located", "--buffer-address", "--heap-size"),
    *("--zephyr-version", "--region-address", "--arch", "--protection", "--page"),
    *("--no-image", "--linked", "--depfile", "--stamp"),
]
WORDS = [
    *("llext.yml", "demo.o", "base.elf", "demo", "demo:demo_run", "build", "3", "-3", "0x10"),
    *("text", "json", "sarif", "github", "zephyr", "c", "h", "report", "manifest", ""),
]
# a word can't lead out of the folder that the test runs in
STRANGE = st.text(st.characters(exclude_characters="/\\"), max_size=12).filter(
    lambda word: ".." not in word
) | st.just("x" * 300)
ARGUMENTS = st.lists(
    st.sampled_from(OPTIONS) | st.sampled_from(WORDS) | STRANGE | st.sampled_from([*VERBS]),
    max_size=8,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([*VERBS]), ARGUMENTS)
def test_no_command_line_ends_in_a_traceback(verb: str, words: list[str]) -> None:
    """Whatever is typed: an exit status, and words about it."""
    with tempfile.TemporaryDirectory() as folder:
        inner = Path(folder) / "a" / "b"
        inner.mkdir(parents=True)
        project(inner, mode="prelocated")
        ran = command(verb, *words, folder=inner)
    assert ran.status in {0, 1, 2, 3}
    assert ran.status == 0 or ran.out or ran.err


@settings(max_examples=100, deadline=None)
@given(ARGUMENTS)
def test_no_words_without_a_verb_end_in_a_traceback(words: list[str]) -> None:
    """The same before a verb."""
    with tempfile.TemporaryDirectory() as folder:
        ran = command(*words, folder=Path(folder))
    assert ran.status in {0, 1, 2, 3}


@pytest.mark.parametrize("verb", [*VERBS])
def test_help_of_a_verb_names_its_options(verb: str) -> None:
    """Every verb has help, and its first line says what it does."""
    ran = command(verb, "--help")
    assert ran.status == 0
    assert ran.out.startswith(f"usage: west-llext {verb} ")
    assert "--json" in ran.out
    text = " ".join(ran.out.split())
    line = VERBS[verb][0]
    assert f"{line[0].upper()}{line[1:]}." in text


def test_help_lists_every_verb_with_a_line() -> None:
    """DESIGN 7."""
    text = " ".join(command("--help").out.split())
    for verb, (line, _) in VERBS.items():
        assert f"{verb} {line}" in text


def test_options_are_not_guessed() -> None:
    """`--out` may become ambiguous in the next release."""
    ran = command("build", "--out", "x")
    assert ran.status == 2
    assert "unrecognized arguments: --out" in ran.err


def test_no_option_is_stored_under_a_name_of_west() -> None:
    """west keeps `command`, `verbose`, `quiet` and `zephyr_base` in the same namespace."""
    for verb in VERBS:
        words = {"info": ["x"], "load": ["x"], "base": ["export"]}.get(verb, [])
        names = set(vars(parser().parse_args([verb, *words])))
        assert not names & {"command", "verbose", "quiet", "zephyr_base", "help", "verbosity"}


def test_common_options_are_understood() -> None:
    """DESIGN 7."""
    words = "build -m a.yml -d b --domain f -o c -e d -e e -j 3 --format sarif -q --allow-outside"
    found = vars(parser().parse_args(words.split()))
    expected = {
        "llext_verb": "build",
        "manifest": Path("a.yml"),
        "build_dir": Path("b"),
        "domain": "f",
        "output": Path("c"),
        "extension": ["d", "e"],
        "jobs": 3,
        "allow_outside": True,
        "llext_format": "sarif",
        "llext_verbosity": "quiet",
        "no_image": False,
        "linked": [],
        "depfile": None,
        "stamp": None,
    }
    assert found == expected


@pytest.mark.parametrize("verb", ["build", "check", "exports", "run"])
def test_verbs_that_read_a_manifest_take_the_common_options(verb: str) -> None:
    """The same on all of them."""
    words = [verb, "-m", "a", "-d", "b", "-o", "c", "-e", "d", "-j", "1", "--json", "-v"]
    assert parser().parse_args(words).llext_format == "json"


@pytest.mark.parametrize(("short", "long"), [("-q", "--quiet"), ("-v", "--verbose")])
def test_verbosity_has_long_names(short: str, long: str) -> None:
    """As west's own options have."""
    assert vars(parsed(["check", long])) == vars(parsed(["check", short]))


def test_a_negative_number_is_an_argument_of_a_call() -> None:
    """`run demo:step -3`."""
    found = parser().parse_args(["run", "demo:step", "-3", "0x10"])
    assert found.words == ["demo:step", "-3", "0x10"]


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("info a --base b c", "files", [Path("a"), Path("c")]),
        ("check a.yml -q b.yml", "manifests", [Path("a.yml"), Path("b.yml")]),
        ("base export -o base.json base.elf", "image", Path("base.elf")),
        ("init a.c -o x.yml --force b.c", "files", [Path("a.c"), Path("b.c")]),
        ("load a --slid n=b unload:n", "words", ["a", "n=b", "unload:n"]),
        ("run a:b --json -3 c:d -v 0x4", "words", ["a:b", "-3", "c:d", "0x4"]),
        ("run -q a:b 1 -e x -- -3", "words", ["a:b", "1", "-3"]),
    ],
)
def test_options_may_stand_between_other_words(words: str, name: str, value: object) -> None:
    """As in programs that parse with getopt_long (POSIX would have options first)."""
    assert vars(parsed(words.split()))[name] == value
    assert vars(parser().parse_args(words.split()))[name] == value


def test_options_between_other_words_are_read_once() -> None:
    """`-e` and the like collect words: none is there twice."""
    found = parsed(["run", "a:b", "-e", "x", "3", "-e", "y", "4", "--stand-in", "printk"])
    assert (found.extension, found.stand_ins) == (["x", "y"], ["printk"])


def test_what_is_no_option_between_other_words_is_an_error() -> None:
    """As argparse says it; the 4 may belong to it."""
    ran = command("run", "a:b", "-q", "3", "--jsn", "4")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines()[-1] == "west-llext run: error: unrecognized arguments: --jsn 4"


@pytest.mark.parametrize(
    "words",
    [
        ["build"],
        ["check", "a.yml", "-q"],
        ["exports", "--trim", "--stdout", "h"],
        ["info", "a", "--base", "b", "--json"],
        ["init", "a.c", "-o", "x.yml", "--force"],
        ["load", "a", "unload:a", "--storage", "writable", "--region-address", "text=1"],
        ["run", "a:b", "1", "--stand-in", "c"],
        ["schema", "report"],
        ["info", "a", "--base", "b", "c"],
        ["run", "a:b", "-v", "-3", "c:d", "--", "-4"],
    ],
    ids=" ".join,
)
def test_the_short_way_of_parsing_says_the_same(words: list[str]) -> None:
    """Only the parser of the verb that is there is made."""
    assert vars(parsed(words)) == vars(parser().parse_args(words))


def test_a_wrong_option_shows_how_the_verb_is_used() -> None:
    """Not how all verbs are."""
    ran = command("schema", "--nope")
    expected = (
        "usage: west-llext schema [-h] [--format {text,json,sarif,github}] [--json]\n"
        "                         [-q | -v]\n"
        "                         [{manifest,exports,base,build,report}]\n"
        "west-llext schema: error: unrecognized arguments: --nope\n"
    )
    assert (ran.status, "".join(ran.err.split())) == (2, "".join(expected.split()))


@pytest.mark.parametrize(
    ("environment", "size", "expected"),
    [
        ("", 120, 120),
        ("", 20, 40),
        # a terminal that was never told its size
        ("", 0, 100),
        ("", None, 100),
        ("70", 120, 70),
        ("0", 120, 120),
        ("wide", 120, 120),
    ],
)
def test_the_width_is_that_of_the_terminal(
    environment: str, size: int | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """COLUMNS goes first, as for every tool; no size is no terminal."""

    def terminal_size() -> os.terminal_size:
        if size is None:
            raise OSError(25, "Inappropriate ioctl for device")
        return os.terminal_size((size, 24))

    monkeypatch.setenv("COLUMNS", environment)
    monkeypatch.setattr(os, "get_terminal_size", terminal_size)
    assert width() == expected


@pytest.mark.parametrize(
    ("verb", "has"),
    [(verb, verb not in {"info", "init", "load"}) for verb in VERBS if verb != "schema"],
)
def test_help_speaks_of_the_manifest_where_one_is_read(verb: str, has: bool) -> None:  # noqa: FBT001
    """`-d` stands for the manifest's build directory only where there is a manifest."""
    text = " ".join(command(verb, "--help").out.split())
    assert "west build directory of the base image" in text
    assert ("(default: the manifest's)" in text) is has
