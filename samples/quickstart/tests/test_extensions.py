# SPDX-License-Identifier: Apache-2.0
"""Unit tests of the extensions, without a board: build, then `pytest` in the sample's folder."""

import re
from pathlib import Path

import pytest

EXPECTED = Path(__file__).parent.parent / "expected"


@pytest.mark.parametrize(
    ("extension", "function"),
    [("mathlib", "math_demo"), ("filters", "filters_demo"), ("counter", "counter_demo")],
)
def test_demos_print_what_they_should(llext, extension, function):
    printed = llext.load(extension).call(function).output
    # the base image's clock counts its own calls
    wanted = (EXPECTED / f"{extension}.txt").read_text(encoding="utf-8")
    assert re.sub(r"at \d+ ms", "at 0 ms", printed) == re.sub(r"at \d+ ms", "at 0 ms", wanted)


def test_filters_smooth_a_step(llext):
    filters = llext.load("filters")  # and mathlib before it
    assert filters.call("filters_run", 0, 200).signed == 1166
    assert filters.call("filters_run", 1, 200).signed == 1250


def test_square_roots(llext):
    library = llext.load("mathlib")
    assert [library.call("math_sqrt", each).value for each in (0, 1, 144, 65535)] == [0, 1, 12, 255]


def test_mean_of_an_array(llext):
    values = b"".join(each.to_bytes(2, "little", signed=True) for each in (10, -4, 6))
    assert llext.load("mathlib").call("math_mean", values, 3).signed == 4


def test_counter_keeps_its_state(llext):
    llext.stand_in("k_uptime_get", lambda target: 1 << 40)
    counter = llext.load("counter")  # its constructor starts it at 100
    assert counter.integer("step") == 7
    assert counter.call("counter_next").output == "counter: 107 at 1099511627776 ms\n"
    counter.call("counter_step", 1)
    assert counter.call("counter_next").signed == 108
    assert counter.integer("total") == 108


def test_a_fault_names_its_source_line(llext):
    library = llext.load("mathlib")
    with pytest.raises(Exception, match=r"in 'math_mean'.0x.* \(mathlib\), src/mathlib\.c:1\d:"):
        library.call("math_mean", 0x70000000, 3)
