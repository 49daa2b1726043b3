# SPDX-License-Identifier: Apache-2.0
"""What a build says of symbols that nothing defines: the same on every machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.benches import BENCHES, MachineProject

#: One statement a line, so that a compiler can't take one for another.
SOURCES = {
    "first.c": """\
int gone_function(int value);
extern int gone_variable;

int first_run(int value)
{
	int found = gone_function(value);
	return found + 1;
}

int first_read(void)
{
	return gone_variable;
}
""",
    "second.c": """\
int gone_from_second(int value);

int second_run(int value)
{
	int found = gone_from_second(value);
	return found + 2;
}
""",
}
#: Lines that need each; Arm has addresses of variables behind the function, at the line of its end.
NEEDED = {
    "gone_function": {"first.c:6"},
    "gone_from_second": {"second.c:5"},
    "gone_variable": {"first.c:12", "first.c:13"},
}
_SAID = re.compile(r"(\S+?:\d+)(?::\d+)?: error\[S001\]: extension 'lost' needs '(\w+)'")
BUILDS = [
    pytest.param(name, compiler, marks=mark, id=f"{name}-{compiler}")
    for name, bench in BENCHES.items()
    for compiler, mark in (("gcc", pytest.mark.cross), ("zig", pytest.mark.zig))
    if compiler == "gcc" or bench.zig
]


class LostProject(MachineProject):
    """The base image of a machine, and an extension that needs what nothing defines."""

    def write(self) -> None:
        """Everything that a build starts from."""
        super().write()
        text = self.manifest.read_text(encoding="utf-8")
        head = text[: text.index("extensions:")]
        head = head.replace("compiler-runtime: toolchain", "cflags: [-O0]")
        place = ", ".join(f"{each}: near" for each in ("text", "rodata", "data", "bss"))
        lines = [
            "extensions:",
            "  - name: lost",
            f"    sources: [{', '.join(SOURCES)}]",
            "    exports: [first_run, first_read, second_run]",
            *([f"    place: {{{place}}}"] if self.mode == "prelocated" else []),
        ]
        self.manifest.write_text("\n".join([head, *lines, ""]), encoding="utf-8")
        for path, source in SOURCES.items():
            (self.root / path).write_text(source, encoding="utf-8")


@pytest.mark.parametrize("mode", ["relocatable", "bound", "prelocated"])
@pytest.mark.parametrize(("name", "compiler"), BUILDS)
def test_each_symbol_that_nothing_defines_is_one_finding_with_its_line(
    name: str, compiler: str, mode: str, tmp_path: Path
) -> None:
    """And nothing else is said: what the target's loader would make of it is no news."""
    project = LostProject(tmp_path / "project", BENCHES[name], compiler, mode)
    found = [_SAID.match(each) for each in project.failure(jobs=None)]
    assert {each[2]: each[1] for each in found if each}.keys() == NEEDED.keys()
    for each in found:
        assert each is not None
        assert each[1] in NEEDED[each[2]]
