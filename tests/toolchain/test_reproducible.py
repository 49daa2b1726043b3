# SPDX-License-Identifier: Apache-2.0
"""The same sources give the same objects, wherever the folder is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.compiling import COMPILERS, Project, available, extension

from west_llext.model.manifest import CompilerRuntime

SOURCES = {
    "src/a.c": '#include "deep.h"\nconst char *file(void) { return __FILE__; }\n'
    "long long quotient(long long a, long long b) { return a / b; }\n",
    "src/b.cpp": "namespace { struct S { int n; S(int x) : n(x) {} ~S() { n = 0; } }; S s(3); }\n"
    "template <typename T> T twice(T x) { return x + x; }\nint use() { return twice(s.n); }\n"
    'extern "C" const char *deep_file();\nstatic const char *volatile keep = deep_file();\n',
    "src/c.S": '#include "name.h"\n.syntax unified\n.text\n.thumb\n.global NAME\nNAME: bx lr\n',
    "src/d.s": ".syntax unified\n.text\n.thumb\n.global in_d\nin_d: bx lr\n",
    "include/deep.h": "static inline const char *deep(void) { return __FILE__; }\n"
    "const char *deep_file(void) { return deep(); }\n",
    "include/name.h": "#define NAME in_c\n",
}


@pytest.mark.parametrize("debug", ["-g0", "-g3"])
@pytest.mark.parametrize("cc", COMPILERS)
def test_objects_dont_depend_on_the_folder(cc: str, debug: str, tmp_path: Path) -> None:
    """Every object, and what they are merged to; with debug information, too."""
    made = []
    for folder in ("one", "another/and deeper"):
        project = Project(tmp_path / folder, available(cc), "-mcpu=cortex-m3", "-mthumb", debug)
        references = {name: project.write(name, text) for name, text in SOURCES.items()}
        one = extension(
            sources=[ref for name, ref in references.items() if name.startswith("src/")],
            include_dirs=[project.ref("include")],
            runtime=CompilerRuntime.TOOLCHAIN,
        )
        project.object(one)
        made.append(
            {
                path.relative_to(project.folder).as_posix(): path.read_bytes()
                for path in project.folder.rglob("*.o")
            }
        )
    assert made[0].keys() == made[1].keys()
    assert {name for name in made[0] if made[0][name] != made[1][name]} == set()
    assert not any(str(tmp_path).encode() in data for data in made[0].values())
    # nor on the folder for objects, in which there are headers, too
    assert not any(b"build/obj" in data for data in made[0].values())
    assert len(made[0]) >= 5


@pytest.mark.cross
@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_objects_dont_depend_on_the_way_to_the_folder(tmp_path: Path) -> None:
    """gcc writes $PWD into debug information where that is the folder it is in."""
    project = Project(tmp_path / "real", available("arm-none-eabi-gcc"), "-mthumb", "-g")
    one = extension(sources=[project.write("a.c", "int a;\n")])
    link = tmp_path / "link"
    link.symlink_to(project.root, target_is_directory=True)
    project.run(one, environment={**os.environ, "PWD": str(link)})
    assert str(tmp_path).encode() not in project.object(one).data
