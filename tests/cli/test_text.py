# SPDX-License-Identifier: Apache-2.0
"""Reports for people: whole outputs, and what hostile names can't do to a terminal."""

from __future__ import annotations

import io
from argparse import Namespace
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.findings import ALL, ERROR, NOTE, WARNING

from west_llext.cli.console import Console
from west_llext.cli.render.plain import place, printable
from west_llext.cli.render.text import Colour, View, lines, render
from west_llext.cli.rendering import rendered
from west_llext.cli.report import Report, Stream, Verbosity
from west_llext.diagnostics import Diagnostic, Span
from west_llext.manifest import source as manifest_source

REPORT = Report(
    verb="build",
    findings=ALL,
    text="the result\n",
    summary="the summary\n",
    details="the details\n",
)

FINDINGS = """\
llext.yml:12:11: error[M015]: 'mode' is 'bond', \
expected one of 'relocatable', 'bound', 'prelocated'
hint: write 'bound'
apps/llext.yml:3: warning[M045]: 'place' has no effect: 'demo' is bound
apps/llext.yml:9:5: note: 'demo' is declared here
demo.o: note: it was made of this
west-llext: note[T020]: nothing was checked
1 error, 1 warning, 1 note
"""


def test_findings_go_to_standard_error_and_the_result_to_standard_output() -> None:
    """DESIGN 7: results go to stdout, messages to stderr."""
    assert render(REPORT, View()) == ("the result\nthe summary\n", FINDINGS)


def test_findings_that_were_asked_for_go_to_standard_output() -> None:
    """The findings of `check` are its result."""
    report = Report(verb="check", findings=ALL, stream=Stream.RESULTS, summary="done\n")
    assert render(report, View()) == (FINDINGS + "done\n", "")


def test_quiet_leaves_errors_and_the_result() -> None:
    """`-q`: only errors."""
    expected = (
        "the result\n",
        f"{ERROR}\n",
    )
    assert expected == render(REPORT, View(verbosity=Verbosity.QUIET))


def test_verbose_adds_details() -> None:
    """`-v`: tell more."""
    expected = "the result\nthe summary\nthe details\n"
    assert expected == render(REPORT, View(verbosity=Verbosity.VERBOSE)).out


def test_a_report_without_findings_has_no_tally() -> None:
    """Nothing is said where there is nothing to say."""
    assert render(Report(verb="check"), View()) == ("", "")


@pytest.mark.parametrize("finding", ALL, ids=lambda each: each.code)
def test_the_lines_of_a_finding_are_its_text(finding: Diagnostic) -> None:
    """One form of a finding everywhere: `str(finding)`."""
    assert str(finding) == "\n".join(lines(finding, View(), Colour.NONE))


def test_colours_mark_place_severity_and_hint() -> None:
    """SGR of ECMA-48: 1 bold, 31 red, 32 green."""
    expected = [
        (
            "\x1b[1mllext.yml:12:11:\x1b[0m \x1b[1;31merror[M015]:\x1b[0m 'mode' is 'bond', "
            "expected one of 'relocatable', 'bound', 'prelocated'"
        ),
        "\x1b[32mhint:\x1b[0m write 'bound'",
    ]
    assert expected == list(lines(ERROR, View(), Colour.ANSI))


def test_only_the_stream_that_is_a_terminal_has_colours() -> None:
    """Redirecting one of them must not put escapes into a file."""
    shown = render(REPORT, View(out=Colour.ANSI))
    assert "\x1b" not in shown.err
    assert "\x1b" in render(REPORT, View(err=Colour.ANSI)).err


def test_an_excerpt_shows_the_line_and_marks_the_column() -> None:
    """Columns count from 1, in characters; a tab is one."""
    view = View(excerpt=lambda _: "\tmode:   bond")
    expected = [
        str(ERROR).partition("\n")[0],
        " 12 |  mode:   bond",
        "    |           ^",
        "hint: write 'bound'",
    ]
    assert expected == list(lines(ERROR, view, Colour.NONE))


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_a_source_is_read_once_for_the_findings_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of symbols may be missing in a file of megabytes."""
    source = tmp_path / "unit.c"
    source.write_text("first\nsecond\n", encoding="utf-8")
    findings = [
        Diagnostic(code="S001", at=Span(source, number, 1), message="nothing defines it")
        for number in [1, 2, 3] * 100
    ]
    reads = []
    content = manifest_source.content

    def counted(path: Path, at: Span) -> bytes:
        reads.append(path)
        return content(path, at)

    monkeypatch.setattr(manifest_source, "content", counted)
    report = Report(verb="check", findings=tuple(findings), stream=Stream.RESULTS)
    console = Console(Terminal(), Terminal(), {"NO_COLOR": "1"})
    shown = rendered(report, Namespace(llext_format="text", llext_verbosity="normal"), console)
    assert [shown.out.count(f" {line}\n") for line in ("| first", "| second")] == [100, 100]
    assert reads == [source]


def test_no_excerpt_of_a_place_without_line() -> None:
    """`west-llext` has no line to show."""
    view = View(excerpt=lambda _: "something")
    assert [str(NOTE)] == list(lines(NOTE, view, Colour.NONE))


def test_no_mark_below_characters_that_were_spelled_out() -> None:
    """It would point to the wrong one."""
    view = View(excerpt=lambda _: "mode:\x1b[31m bond")
    shown = list(lines(ERROR, view, Colour.NONE))
    assert shown[1] == " 12 | mode:\\x1b[31m bond"
    assert shown[2] == "hint: write 'bound'"


def test_paths_are_relative_to_the_current_folder(tmp_path: Path) -> None:
    """As the user would type them."""
    at = Span(tmp_path / "apps" / "llext.yml", 3)
    assert place(at, str(tmp_path)) == "apps/llext.yml:3"
    assert place(Span(tmp_path / "llext.yml", 3), str(tmp_path / "apps")) == "../llext.yml:3"


def test_a_path_far_away_stays_absolute(tmp_path: Path) -> None:
    """`../../../usr/lib/x` says less than `/usr/lib/x`."""
    near = tmp_path / "a" / "b" / "c"
    assert (tmp_path / "x.o").as_posix() == place(Span(tmp_path / "x.o"), str(near))


def test_a_name_can_not_send_escapes_to_the_terminal() -> None:
    """A symbol name may hold anything but a zero byte."""
    finding = Diagnostic(
        code="S001",
        at=Span(PurePath("a\x1b]0;x\x07.o")),
        message="'\x1b[2J\u202e' is undefined\r",
        hint="\x9bremove it",
    )
    expected = (
        "a\\x1b]0;x\\x07.o: error[S001]: '\\x1b[2J\\u202e' is undefined\\x0d\n"
        "hint: \\x9bremove it\n1 error\n"
    )
    assert expected == render(Report(verb="build", findings=(finding,)), View()).err


def test_a_file_name_can_not_start_a_line_of_its_own() -> None:
    """A line that looks like a finding of ours must be one."""
    at = Span(PurePath("a\nllext.yml:1:1: error[M001]: x"))
    assert place(at, "") == "a\\nllext.yml:1:1: error[M001]: x"


@given(st.text())
def test_printable_text_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    """Only line ends and tabs are left of what isn't printable, lone surrogates included."""
    shown = printable(text)
    assert all(each.isprintable() or each in "\n\t" for each in shown)
    shown.encode()


@given(st.text())
def test_printable_text_stays_as_it_is(text: str) -> None:
    """Names in other alphabets are readable."""
    if all(each.isprintable() for each in text):
        assert text == printable(text)


def test_tally_counts_each_severity_in_order() -> None:
    """`2 errors, 1 warning`."""
    report = Report(verb="check", findings=(WARNING, ERROR, ERROR), stream=Stream.RESULTS)
    assert render(report, View()).out.endswith("\n2 errors, 1 warning\n")
