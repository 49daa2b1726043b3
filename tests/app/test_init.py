# SPDX-License-Identifier: Apache-2.0
"""First manifests: what is guessed, and that nothing is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.commands import command
from support.counting import LINEAR, growth
from support.elfbuild import ET_EXEC, elf
from support.project import base_elf, demo_object, project
from support.zephyrbuild import build_dir

from west_llext.app.init import Existing, InitRequest, drafted, guessed_name, init
from west_llext.diagnostics import LlextError, MissingError
from west_llext.manifest.load import manifest as read_manifest


def files(folder: Path, *names: str) -> tuple[Path, ...]:
    """Empty files in a folder."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tuple(folder / name for name in names)


def request(folder: Path, *names: str, existing: Existing = Existing.KEPT) -> InitRequest:
    """A manifest for files that are there."""
    return InitRequest(
        files=files(folder, *names),
        manifest=folder / "llext.yml",
        display="llext.yml",
        existing=existing,
    )


def test_each_folder_becomes_an_extension(tmp_path: Path) -> None:
    """Files of one folder belong together; the order of the command line stays."""
    names = ("motor/src/pid.c", "motor/src/ramp.c", "filters/fir.c", "filters/libm.a")
    init(request(tmp_path, *names))
    found, warnings = read_manifest(tmp_path / "llext.yml")
    assert warnings == ()
    assert [
        (each.name, [f.text for f in each.sources], [f.text for f in each.objects])
        for each in found.extensions
    ] == [
        ("motor", ["motor/src/pid.c", "motor/src/ramp.c"], []),
        ("filters", ["filters/fir.c"], ["filters/libm.a"]),
    ]


@pytest.mark.parametrize(
    ("expected", "place", "members"),
    [
        ("hello", "src", ["src/hello.c"]),
        ("project", "src", ["src/a.c", "src/b.c"]),
        ("project", ".", ["a.c", "b.c"]),
        ("motor", "apps/motor/src", ["apps/motor/src/a.c", "apps/motor/src/b.c"]),
        ("a_very_long_nam", ".", ["a_very_long_name_indeed.c"]),
        ("fancy_name", ".", ["fancy name!.c"]),
        ("project", ".", ["con.c"]),
        ("up", "../up", ["../up/a.c", "../up/b.c"]),
    ],
)
def test_a_name_says_what_is_in_it(expected: str, place: str, members: list[str]) -> None:
    """The only file's, or that of the nearest folder whose name says something."""
    assert guessed_name(place, members, "project") == expected


# DESIGN 6: 1 to 15 characters; schemas/llext-manifest.schema.json: letters, digits, _ . and -
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}")


@given(st.lists(st.text(min_size=1).filter(lambda each: "\0" not in each), min_size=1, max_size=30))
def test_names_are_valid_and_differ(words: list[str]) -> None:
    """Whatever files are called; also where upper and lower case are the same."""
    folder = Path(__file__).parent
    found = drafted([f"{word}/x{number}.c" for number, word in enumerate(words)], folder)
    names = [each.name for each in found]
    assert all(NAME.fullmatch(name) for name in names)
    assert len({name.lower() for name in names}) == len(names)


def test_thousands_of_folders_with_one_name_take_a_step_each() -> None:
    """The number of the last one is known, and isn't searched for from 2 on."""
    folder = Path(__file__).parent

    def case(size: int) -> Callable[[], object]:
        names = [f"p{each}/motor/{unit}.c" for each in range(size) for unit in "ab"]
        found = drafted(names, folder)
        assert [found[0].name, found[-1].name] == ["motor", f"motor{size}"]
        return lambda: drafted(names, folder)

    assert growth(case, 200) < LINEAR


def test_a_folder_of_many_files_takes_a_step_for_each() -> None:
    """A hundred thousand would take minutes if each was compared with all before it."""
    names = [f"src/{each}.c" for each in range(100_000)]
    (found,) = drafted([*names, *names], Path(__file__).parent)
    assert list(found.sources) == names


def test_headers_beside_the_sources_are_found(tmp_path: Path) -> None:
    """`include` beside the sources or beside their folder."""
    (tmp_path / "motor" / "include").mkdir(parents=True)
    result = init(request(tmp_path, "motor/src/a.c", "motor/src/b.c"))
    assert result.extensions[0].include_dirs == ("motor/include",)


def test_headers_above_the_sources_are_found(tmp_path: Path) -> None:
    """`include` of a project whose sources are in folders further down; the nearest goes first."""
    for each in ("include", "src/core/include", "other/include"):
        (tmp_path / each).mkdir(parents=True)
    result = init(request(tmp_path, "src/core/a.c"))
    assert result.extensions[0].include_dirs == ("src/core/include", "include")
    (tmp_path / "app").mkdir()
    asked = replace(request(tmp_path, "src/core/a.c"), manifest=tmp_path / "app" / "llext.yml")
    assert init(asked).extensions[0].include_dirs == ("../src/core/include",)


def test_folders_further_down_are_named(tmp_path: Path) -> None:
    """T023: which of them belong together only the user knows."""
    files(tmp_path, "src/core/a.c", "src/bus/i2c/b.c", "src/.git/c.c", "src/docs/d.txt")
    expected = (
        "src: error[T023]: folder 'src' has no sources in it, nor in its folder 'src'\n"
        "hint: name the folders in it that have: 'src/core', 'src/bus/i2c'\n1 error\n"
    )
    assert command("init", "src", folder=tmp_path) == (1, "", expected)


def test_a_base_image_outside_of_the_workspace_is_said(tmp_path: Path) -> None:
    """The next command would refuse it (M050)."""
    files(tmp_path, "app/hello.c", "base.elf")
    app = tmp_path / "app"
    ran = command("init", "hello.c", "--base", "../base.elf", folder=app)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[-1] == (
        "use '--allow-outside', because it names files outside of the workspace"
    )
    assert "M050" in command("check", folder=app).out
    assert "M050" not in command("check", "--allow-outside", folder=app).out


def test_a_manifest_that_is_there_stays(tmp_path: Path) -> None:
    """O020."""
    (tmp_path / "llext.yml").write_text("mine\n", encoding="utf-8")
    with pytest.raises(LlextError) as caught:
        init(request(tmp_path, "a.c"))
    expected = (
        "llext.yml: error[O020]: 'llext.yml' is there already\n"
        "hint: replace it with '--force', or write to another file with '-m FILE'"
    )
    assert str(caught.value) == expected
    assert (tmp_path / "llext.yml").read_text(encoding="utf-8") == "mine\n"


def test_a_dangling_link_counts_as_a_manifest(tmp_path: Path) -> None:
    """Writing through it would make a file somewhere else."""
    try:
        (tmp_path / "llext.yml").symlink_to(tmp_path / "nowhere")
    except OSError:
        pytest.skip("this system makes no symbolic links")
    with pytest.raises(LlextError, match="O020"):
        init(request(tmp_path, "a.c"))


def test_a_manifest_is_replaced_where_that_is_asked_for(tmp_path: Path) -> None:
    """`--force`."""
    (tmp_path / "llext.yml").write_text("mine\n", encoding="utf-8")
    init(request(tmp_path, "a.c", existing=Existing.REPLACED))
    assert "version: 1" in (tmp_path / "llext.yml").read_text(encoding="utf-8")


def test_every_unknown_and_every_missing_file_is_named(tmp_path: Path) -> None:
    """All findings, not the first."""
    paths = files(tmp_path, "a.txt", "b.rs")
    asked = InitRequest(files=paths, manifest=tmp_path / "llext.yml", display="llext.yml")
    with pytest.raises(LlextError) as caught:
        init(asked)
    assert [each.code for each in caught.value.diagnostics] == ["T005", "T005"]
    gone = (tmp_path / "a.c", tmp_path / "b.c")
    with pytest.raises(MissingError) as missing:
        init(InitRequest(files=gone, manifest=tmp_path / "llext.yml", display="llext.yml"))
    assert [each.code for each in missing.value.diagnostics] == ["L001", "L001"]
    assert not (tmp_path / "llext.yml").exists()


def test_a_folder_stands_for_the_sources_in_it(tmp_path: Path) -> None:
    """Or for those in its `src`; what isn't a source is left alone, and so are further folders."""
    files(tmp_path, "fir/b.c", "fir/a.cpp", "fir/a.h", "fir/README.md", "fir/test/t.c")
    files(tmp_path, "motor/src/pwm.S", "motor/Makefile")
    expected = (
        "wrote llext.yml: 2 extensions\n"
        "  fir: fir/a.cpp, fir/b.c\n"
        "  pwm: motor/src/pwm.S\n"
        "next: name what each extension exports, and what the base image offers\n"
    )
    assert command("init", "fir", "motor", folder=tmp_path) == (0, expected, "")


def test_a_folder_without_sources_is_refused(tmp_path: Path) -> None:
    """T023, whole."""
    files(tmp_path, "empty/notes.txt")
    expected = (
        "empty: error[T023]: folder 'empty' has no sources in it, nor in its folder 'src'\n"
        "hint: name files, or a folder with some of .C, .S, .c, .c++, .cc, .cp, .cpp, .cxx, .s, "
        ".sx\n1 error\n"
    )
    assert command("init", "empty", folder=tmp_path) == (1, "", expected)
    assert not (tmp_path / "llext.yml").exists()


def test_the_compiler_that_is_there_is_named(tmp_path: Path) -> None:
    """As it is called, not where it is: the manifest goes to other machines."""
    tools = tmp_path / "tools"
    tools.mkdir()
    program = tools / "arm-none-eabi-gcc"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    asked = InitRequest(
        files=files(tmp_path, "a.c"),
        manifest=tmp_path / "llext.yml",
        display="llext.yml",
        environment={"PATH": str(tools)},
    )
    assert init(asked).compiler == "arm-none-eabi-gcc"
    found, _ = read_manifest(tmp_path / "llext.yml")
    assert found.base.toolchain.cc == "arm-none-eabi-gcc"


@pytest.mark.parametrize(
    ("machine", "bits", "expected"),
    [
        (183, 64, "aarch64-linux-gnu-gcc"),
        (243, 32, "riscv64-unknown-elf-gcc"),
        (94, 32, "xtensa-lx106-elf-gcc"),
        (40, 32, "arm-none-eabi-gcc"),
    ],
)
def test_the_base_image_decides_which_compiler_is_named(
    machine: int, bits: int, expected: str, tmp_path: Path
) -> None:
    """Of all that are there, the one for its machine; what can't be read decides nothing."""
    tools = tmp_path / "tools"
    tools.mkdir()
    names = ("aarch64-linux-gnu", "arm-none-eabi", "riscv64-unknown-elf", "xtensa-lx106-elf")
    for name in names:
        (tools / f"{name}-gcc").write_text("#!/bin/sh\n", encoding="utf-8")
        (tools / f"{name}-gcc").chmod(0o755)
    image = tmp_path / "base.elf"
    asked = InitRequest(
        files=files(tmp_path, "a.c"),
        manifest=tmp_path / "llext.yml",
        display="llext.yml",
        image=image,
        existing=Existing.REPLACED,
        environment={"PATH": str(tools)},
    )
    assert init(asked).compiler is None
    image.write_bytes(elf(machine=machine, bits=bits, file_type=ET_EXEC))
    assert init(asked).compiler == expected


def test_a_build_directory_tells_the_compiler(tmp_path: Path) -> None:
    """So the manifest doesn't."""
    asked = InitRequest(
        files=files(tmp_path, "a.c"),
        manifest=tmp_path / "llext.yml",
        display="llext.yml",
        build_dir=tmp_path / "build",
    )
    assert init(asked).compiler is None
    found, _ = read_manifest(tmp_path / "llext.yml")
    assert found.base.build_dir is not None
    assert found.base.build_dir.text == "build"


def test_the_command_says_what_it_wrote(tmp_path: Path) -> None:
    """The whole output."""
    files(tmp_path, "src/hello.c")
    ran = command("init", "src/hello.c", folder=tmp_path)
    expected = (
        "wrote llext.yml: 1 extension\n"
        "  hello: src/hello.c\n"
        "next: name what each extension exports, and what the base image offers\n"
    )
    assert ran == (0, expected, "")


def test_a_build_that_has_extensions_is_taken_over(tmp_path: Path) -> None:
    """Targets by their sources, others by their files; what Zephyr exports by itself isn't said."""
    image = base_elf()
    build_dir(tmp_path / "build", image=image)
    for path in ("app/fir.c", "build/zephyr/fir.llext", "build/zephyr/old.llext"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(demo_object())
    output = "CMakeFiles/fir_llext_lib.dir/fir.c.obj"
    commands = [
        {
            "directory": f"{tmp_path}/build",
            "file": f"{tmp_path}/app/fir.c",
            "command": f"gcc -o {output} -c {tmp_path}/app/fir.c",
        }
    ]
    (tmp_path / "build" / "compile_commands.json").write_text(json.dumps(commands))
    ran = command("init", "--from-build", "build", folder=tmp_path)
    assert ran == (
        0,
        (
            "wrote llext.yml: 2 extensions\n  fir: app/fir.c\n  old: build/zephyr/old.llext\n"
            "next: name what each extension exports, and what the base image offers\n"
        ),
        "",
    )
    manifest, warnings = read_manifest(tmp_path / "llext.yml")
    assert warnings == ()
    assert manifest.base.build_dir is not None
    assert manifest.base.build_dir.text == "build"


def test_a_packaged_extension_is_an_object_like_any_other(tmp_path: Path) -> None:
    """What add_llext_target() made can be validated, bound and reported on."""
    path = project(tmp_path)
    (tmp_path / "demo.llext").write_bytes((tmp_path / "demo.o").read_bytes())
    text = path.read_text(encoding="utf-8").replace("[demo.o]", "[demo.llext]")
    path.write_text(text, encoding="utf-8")
    assert command("check", folder=tmp_path) == (0, "1 extension: no findings\n", "")
    assert command("build", "-q", folder=tmp_path).status == 0
    out = command("info", "build/llext/demo.llext", folder=tmp_path).out
    assert out.startswith("build/llext/demo.llext: bound blob, arm, ")
