# SPDX-License-Identifier: Apache-2.0
"""Objects stay in their folder, and no two share a name."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from west_llext.toolchain.names import folder_name, from_root, object_name

PARTS = st.sampled_from(["..", ".", "", "a", "b.c", "a b", "@", "-x", "é", "con", "x.o", ".git"])
PATHS = st.lists(PARTS, min_size=1, max_size=5).map("/".join)


def test_plain_names_are_kept_with_their_suffix() -> None:
    """fir.c and fir.S are two objects."""
    assert object_name("filters", "src/fir.c") == "filters/src/fir.c.o"
    assert object_name("filters", "src/fir.S") == "filters/src/fir.S.o"


def test_names_that_leave_the_root_are_made_anew() -> None:
    """Whoever shares sources between projects names them with `..`."""
    inside = object_name("filters", "../common/a b.c")
    outside = object_name("filters", "../other/a b.c")
    assert inside != outside
    assert inside.startswith("filters/@/a_b_c-")


@given(extension=st.text(min_size=1, max_size=20), source=PATHS)
def test_no_object_leaves_its_extensions_folder(extension: str, source: str) -> None:
    """Neither by `..` nor as an absolute path, whatever a manifest says."""
    name = object_name(extension, source)
    parts = name.split("/")
    assert not name.startswith("/")
    assert not {"", ".", ".."} & set(parts)
    assert parts[0] == folder_name(extension)
    assert "\\" not in name


@given(PATHS, PATHS)
def test_two_sources_never_share_an_object(one: str, other: str) -> None:
    """Also where their base names are equal."""
    assert (one == other) == (object_name("x", one) == object_name("x", other))


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_two_extensions_never_share_a_folder(one: str, other: str) -> None:
    """Nor where the file system doesn't tell upper from lower case."""
    assert (one == other) == (folder_name(one).lower() == folder_name(other).lower())


def test_plain_extensions_have_plain_folders() -> None:
    """But not where Windows would open a device, or take two names for one."""
    assert folder_name("filters_2") == "filters_2"
    assert folder_name("Filters").startswith("Filters@")
    assert folder_name("con").startswith("con@")


def test_no_path_looks_like_an_option() -> None:
    """`-x.c` is an option, `@x.c` a response file, `=x` a sysroot to a compiler."""
    root = Path("/proj/project")
    assert from_root(root / "-x.c", root) == "./-x.c"
    assert from_root(root / "@x.c", root) == "./@x.c"
    assert from_root(root / "=x", root) == "./=x"
    assert from_root(root / "src/x.c", root) == "src/x.c"
    assert from_root(Path("/proj/lib/x.c"), root) == "../lib/x.c"
