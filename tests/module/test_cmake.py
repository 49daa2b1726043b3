# SPDX-License-Identifier: Apache-2.0
"""The module in a real CMake, with a stand-in for Zephyr: what is built, and when."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.commands import settled
from support.standin import MANIFEST, Standin

from west_llext.base.image import image

pytestmark = pytest.mark.cross


@pytest.fixture(params=["Ninja", "Unix Makefiles"])
def standin(request: pytest.FixtureRequest, tmp_path: Path) -> Standin:
    """A project, for either generator."""
    return Standin(tmp_path, request.param)


def built(made: Standin, *targets: str) -> str:
    """What a build prints that has to go through."""
    ran = made.make(*targets)
    assert ran.status == 0, ran.out + ran.err
    return ran.out


def exports(made: Standin) -> list[str]:
    """Names in the table of the image, as often as they are there."""
    path = made.build / "zephyr" / "zephyr.elf"
    found = image(path.read_bytes(), "zephyr.elf")
    start = found.symbols.get("_llext_const_symbol_list_start")
    end = found.symbols.get("_llext_const_symbol_list_end")
    assert start is not None
    assert end is not None
    assert found.exports is not None
    # as many entries as names, so that none is there twice
    assert (end.value - start.value) // 8 == len(found.exports)
    return sorted(found.exports)


def times(made: Standin, names: Sequence[str]) -> dict[str, int]:
    """When files in the build directory were written."""
    return {name: (made.build / name).stat().st_mtime_ns for name in names}


IMAGE, BLOB, TABLE = "zephyr/zephyr.elf", "llext/hello.llext", "zephyr/west_llext/0/llext_exports.c"
EVERYTHING = (IMAGE, BLOB, TABLE)


def test_an_image_with_its_table_and_its_extensions(standin: Standin) -> None:
    """And then: what is built again when something changes, and that nothing else is."""
    standin.project()
    assert standin.configure().status == 0
    built(standin)
    # `printk` comes from the kernel's own EXPORT_SYMBOL
    assert exports(standin) == ["k_sleep", "printk"]
    assert "k_sleep" in (standin.build / TABLE).read_text(encoding="utf-8")
    assert "printk" not in (standin.build / TABLE).read_text(encoding="utf-8")
    assert not (standin.build / BLOB).exists()
    assert "hello" in built(standin, "llext")
    before = times(standin, EVERYTHING)

    built(standin)
    built(standin, "llext")
    assert times(standin, EVERYTHING) == before

    source = standin.folder / "hello.c"
    source.write_text(source.read_text(encoding="utf-8").replace("k_sleep(1)", "k_sleep(2)"))
    built(standin, "llext")
    after = times(standin, EVERYTHING)
    assert (after[IMAGE], after[TABLE]) == (before[IMAGE], before[TABLE])
    assert after[BLOB] > before[BLOB]

    text = MANIFEST.replace("k_sleep]", "k_sleep, k_yield]")
    (standin.folder / "llext.yml").write_text(text, encoding="utf-8")
    built(standin, "llext")
    assert exports(standin) == ["k_sleep", "k_yield", "printk"]


def test_a_base_image_that_changes_takes_its_extensions_along(standin: Standin) -> None:
    """A bound one is made anew where a symbol that it uses has moved, and only there.

    The table is compiled again in neither case: what it says is the same.
    """
    text = MANIFEST.replace("sources: [hello.c]", "sources: [hello.c]\n    mode: bound")
    (standin.folder / "llext.yml").write_text(text, encoding="utf-8")
    standin.project()
    assert standin.configure().status == 0
    built(standin, "llext")
    blob = (standin.build / BLOB).read_bytes()

    # behind everything that extensions use
    kernel = standin.folder / "kernel.c"
    source = kernel.read_text(encoding="utf-8")
    settled(standin.folder)
    before = times(standin, EVERYTHING)
    kernel.write_text(f"{source}int last(void); int last(void) {{ return 1; }}\n")
    built(standin, "llext")
    after = times(standin, EVERYTHING)
    assert after[IMAGE] > before[IMAGE]
    assert (after[TABLE], after[BLOB]) == (before[TABLE], before[BLOB])

    # before everything
    settled(standin.folder)
    before = times(standin, EVERYTHING)
    kernel.write_text(f"int first(void); int first(void) {{ return 1; }}\n{source}")
    built(standin, "llext")
    after = times(standin, EVERYTHING)
    assert after[IMAGE] > before[IMAGE]
    assert after[TABLE] == before[TABLE]
    assert (standin.build / BLOB).read_bytes() != blob


def test_what_is_wrong_with_a_manifest_is_told_by_the_build(standin: Standin) -> None:
    """From the build directory on; the image isn't built without its table."""
    text = MANIFEST.replace("exports: [printk", "exprots: [printk")
    (standin.folder / "llext.yml").write_text(text, encoding="utf-8")
    standin.project()
    assert standin.configure().status == 0
    ran = standin.make()
    assert ran.status != 0
    assert "../llext.yml:4:3: error[M011]: unknown key 'exprots'" in ran.out + ran.err
    (standin.folder / "llext.yml").write_text(MANIFEST, encoding="utf-8")
    built(standin)


def test_what_is_wrong_with_an_extension_is_told_by_the_target(standin: Standin) -> None:
    """A symbol that isn't exported, at the line that uses it."""
    source = standin.folder / "hello.c"
    source.write_text(source.read_text(encoding="utf-8").replace("k_sleep", "k_yield"))
    text = MANIFEST.replace("sources: [hello.c]", "sources: [hello.c]\n    cflags: [-g]")
    (standin.folder / "llext.yml").write_text(text, encoding="utf-8")
    standin.project()
    assert standin.configure().status == 0
    built(standin)
    ran = standin.make("llext")
    assert ran.status != 0
    # from the build directory on, where build systems run compilers
    line = r"^\.\./hello\.c:3:\d+: error\[S003\]: extension 'hello' needs 'k_yield'"
    assert re.search(line, ran.out + ran.err, re.MULTILINE)


def test_all_can_include_the_extensions(standin: Standin) -> None:
    """CONFIG_WEST_LLEXT_ALL."""
    standin.project(config="set(CONFIG_WEST_LLEXT_ALL y)")
    assert standin.configure().status == 0
    built(standin)
    assert (standin.build / BLOB).is_file()


def test_an_application_can_contain_an_extension(standin: Standin) -> None:
    """Built before the image, against what the libraries are going to export."""
    (standin.folder / "main.c").write_text(
        '#include <llext_exports.h>\n#include "blob.h"\nint main(void);\n'
        "int main(void) { return (int)sizeof(blob); }\n",
        encoding="utf-8",
    )
    standin.project(
        manifest="",
        more="""
west_llext_manifest(llext.yml BEFORE_IMAGE TARGET hello_ext)
get_target_property(blobs hello_ext WEST_LLEXT_BLOBS)
file(WRITE ${CMAKE_BINARY_DIR}/blob.h.in "static const char blob[] = \\"${blobs}\\";\\n")
add_custom_command(
  OUTPUT ${CMAKE_BINARY_DIR}/blob.h
  COMMAND ${CMAKE_COMMAND} -E copy blob.h.in blob.h
  DEPENDS hello_ext ${blobs}
)
add_custom_target(blob_header DEPENDS ${CMAKE_BINARY_DIR}/blob.h)
target_include_directories(app PRIVATE ${CMAKE_BINARY_DIR})
add_dependencies(app blob_header)
""",
    )
    ran = standin.configure()
    assert ran.status == 0, ran.err
    built(standin)
    assert exports(standin) == ["k_sleep", "printk"]
    assert (standin.build / BLOB).is_file()
    text = (standin.build / "blob.h").read_text(encoding="utf-8")
    assert f"{standin.build}/llext/hello.llext" in text


def test_several_manifests(standin: Standin) -> None:
    """The target `llext` builds the extensions of all."""
    other = MANIFEST.replace("[printk, k_sleep]", "[k_yield, k_sleep]").replace("hello", "other")
    other = other.replace("exports: [k_yield, k_sleep]", "exports: [k_yield]")
    (standin.folder / "other.yml").write_text(other, encoding="utf-8")
    source = "int k_yield(void); int other_run(void); int other_run(void) { return k_yield(); }\n"
    (standin.folder / "other.c").write_text(source, encoding="utf-8")
    standin.project(more="west_llext_manifest(other.yml OUTPUT more)")
    ran = standin.configure()
    assert ran.status == 0, ran.err
    built(standin, "llext")
    assert exports(standin) == ["k_sleep", "k_yield", "printk"]
    assert (standin.build / "llext" / "hello.llext").is_file()
    assert (standin.build / "more" / "other.llext").is_file()


@pytest.mark.parametrize(
    ("expected", "manifest", "more"),
    [
        ("none.yml: there is no manifest. Make one with 'west llext init'", "none.yml", ""),
        ("west_llext_manifest: what is 'NOW'?", "", "west_llext_manifest(llext.yml NOW)"),
    ],
)
def test_what_is_wrong_is_told_when_configuring(
    expected: str, manifest: str, more: str, tmp_path: Path
) -> None:
    """Before anything is built."""
    made = Standin(tmp_path, "Ninja")
    made.project(manifest=manifest, more=more)
    ran = made.configure()
    assert ran.status != 0
    assert expected in " ".join(ran.err.split())


def test_a_python_that_can_not_run_the_tool(tmp_path: Path) -> None:
    """The message has what Python said."""
    made = Standin(tmp_path, "Ninja")
    made.project()
    path = made.folder / "CMakeLists.txt"
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'no module named x' >&2\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text(
        "\n".join(
            f'set(PYTHON_EXECUTABLE "{python}")' if "PYTHON_EXECUTABLE" in line else line
            for line in lines
        ),
        encoding="utf-8",
    )
    ran = made.configure()
    assert ran.status != 0
    assert "west llext can't be run by" in ran.err
    assert "no module named x" in ran.err
