# SPDX-License-Identifier: Apache-2.0
"""Pages under docs/codes for what `run` reports: one a code, with an example that is true."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path

import pytest

from west_llext.app import bench, faulty
from west_llext.app.calls import FunctionCall, function_calls
from west_llext.app.placed import Placed
from west_llext.app.python_stand_ins import StandInFailedError, stand_ins_of
from west_llext.app.run import RunRequest, run
from west_llext.app.stale import _older
from west_llext.diagnostics import LlextError
from west_llext.emulate import blob, engine, findings, machines, mapped, qemu
from west_llext.emulate.faults import Fault, FaultKind, Place
from west_llext.emulate.image import Chunk, Image, Overlap
from west_llext.emulate.memory import Access
from west_llext.emulate.result import Result
from west_llext.emulate.target import Target
from west_llext.model.elf import Ident

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "codes").glob("X*.md"))
BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    """Codes are looked for where they are written: in the sources."""
    sources = [*(ROOT / "west_llext" / "emulate").glob("*.py")]
    sources += [*(ROOT / "west_llext" / "app").glob("*.py")]
    text = "".join(each.read_text(encoding="utf-8") for each in sources)
    assert [each.stem for each in PAGES] == sorted(set(re.findall(r'code="(X\d{3})"', text)))


ARM = Ident(machine=40, bits=32, little=True, flags=0)
RISCV = Ident(machine=243, bits=32, little=True, flags=0)
FAULT = Fault(
    kind=FaultKind.READ,
    counter=0x20000000,
    address=0x70000000,
    place=Place(image="demo", chunk=".text", function="entry", offset=0),
)


def image(
    name: str, *, ident: Ident = ARM, address: int = 0, size: int = 4, exports: str = ""
) -> Image:
    """An extension with one section."""
    return Image(
        name=name,
        file=f"build/llext/{name}.llext",
        ident=ident,
        chunks=(Chunk(".text", address, size, b"", Access.READ),),
        exports=dict.fromkeys(exports.split(), address),
    )


def raised(error: LlextError) -> str:
    """The text of an error."""
    return str(error)


def missing_emulator(monkeypatch: pytest.MonkeyPatch) -> str:
    """What is said where unicorn isn't installed."""
    monkeypatch.setitem(sys.modules, "unicorn", None)
    with pytest.raises(LlextError) as caught:
        engine.unicorn_module()
    return raised(caught.value)


def refused_machine() -> str:
    """What is said of ARC."""
    with pytest.raises(LlextError) as caught:
        machines.machine_of(Ident(machine=195, bits=32, little=True, flags=0))
    return raised(caught.value)


def refused_words() -> str:
    """What is said of a name alone."""
    with pytest.raises(LlextError) as caught:
        function_calls(["filters_run"])
    return raised(caught.value)


def refused_stand_in() -> str:
    """What is said of a misspelt stand-in."""
    nowhere = RunRequest(base=Path("none"), blobs=(), stand_ins=("printq",))
    with pytest.raises(LlextError) as caught:
        run(nowhere)
    return raised(caught.value)


def unknown_function(filters: Image) -> str:
    """What is said of a misspelt function."""
    made = bench.Bench(bench.BenchPlan())
    made._extensions["filters"] = bench._Extension(Placed(image=filters, symbols={}), None)
    with pytest.raises(LlextError) as caught:
        made.function(FunctionCall("filters", "filter_run"))
    return raised(caught.value)


def refused_table(demo: Image) -> str:
    """What is said of a constructor outside of the code."""
    placed = Placed(image=dataclasses.replace(demo, constructors=(0x20001001,)), symbols={})
    made = bench.Bench(bench.BenchPlan())
    made._extensions["demo"] = bench._Extension(placed, None)
    made._target = Target(ident=ARM, attributes={})
    (finding,) = made.bring_up("demo").findings
    return str(finding)


def written(text: str) -> Path:
    """A file of stand-ins, in the current folder."""
    path = Path("tests", "stand_ins.py")
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return path


def broken_file() -> str:
    """What is said of a file that uses a name that it doesn't have."""
    with pytest.raises(LlextError) as caught:
        stand_ins_of(written("\n\nvalues = sensors\n"))
    return raised(caught.value)


def failing_function() -> str:
    """What is said of a stand-in that raises an exception."""
    text = "values = {}\n\n\n\ndef sensor_read(target, channel):\n    # none is known\n"
    path = written(text + "    return values[channel]\n")
    with pytest.raises(StandInFailedError) as caught:
        stand_ins_of(path)["sensor_read"].function(None, 5)
    return str(faulty.user_code_failed(caught.value, [path]))


def message(code: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the tool says in the situation of a page's example."""
    left, right = image("demo", address=0x10000), image("late", address=0x10002, size=2)
    filters = image("filters", ident=RISCV, size=1 << 32, exports="filters_run filters_demo")
    called = bench.Called(
        FunctionCall("demo", "entry", (0x70000000,)),
        Result(value=0, pair=0, output="", instructions=0, fault=FAULT),
    )
    hello = "build/llext/hello.llext"
    made = {
        "X001": lambda: (
            f"{missing_emulator(monkeypatch)}\n{qemu._lost('qemu-system-xtensa', 'Xtensa')}"
        ),
        "X002": refused_machine,
        "X003": lambda: raised(blob._unplaced(hello, "hello", "the file is of ELF type 1")),
        "X004": lambda: str(blob._nameless(filters.file, "filters", 0)),
        "X005": lambda: str(findings.other_machine(filters, ARM)),
        "X006": lambda: (
            f"{findings.too_large(filters, 64 << 20)}\n"
            f"{findings.too_scattered(filters, mapped.MAX_PARTS)}"
        ),
        "X007": lambda: str(
            findings.overlap(Overlap(left, left.chunks[0], right, right.chunks[0]))
        ),
        "X008": lambda: str(faulty.went_wrong(left.file, called)),
        "X009": lambda: unknown_function(filters),
        "X010": refused_words,
        "X011": refused_stand_in,
        "X012": lambda: refused_table(left),
        "X013": broken_file,
        "X014": failing_function,
        "X015": lambda: str(_older(Path("src/fir.c"))),
    }
    return made[code]()


@pytest.mark.parametrize("page", PAGES, ids=[each.stem for each in PAGES])
def test_example_of_a_page_is_what_the_tool_says(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Word for word, so that a search for a message finds its page."""
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "What it means",
        "Why it matters",
        "Example",
        "Fix",
    ]
    (example,) = BLOCK.findall(text)
    assert example == message(page.stem, monkeypatch) + "\n"
