# SPDX-License-Identifier: Apache-2.0
"""The generated table: before there is a base image, by configuration, and trimmed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.commands import Ran, command
from support.elfbuild import PROGBITS, SHF_ALLOC, Rel, Sec, Sym, elf
from support.project import project

from west_llext.app.exports import ExportsRequest, Trim, exports, written
from west_llext.app.needed import undefined
from west_llext.app.requests import Request
from west_llext.diagnostics import MissingError
from west_llext.elf.read import object_file
from west_llext.emit.exports_c import Flavour

MANIFEST = """\
version: 1
base:
  {base}
  exports:
    - symbols: [printk]
    - group: sensors
      when: CONFIG_SENSOR
      symbols: [sensor_sample_fetch, sensor_channel_get]
extensions:
  - name: demo
    objects: [demo.o]
"""


def manifest(folder: Path, base: str = "exports-only: 0", config: str | None = None) -> Path:
    """A manifest, and a .config where one is given; there is no image anywhere."""
    path = folder / "llext.yml"
    text = MANIFEST.format(base=base).replace("  exports-only: 0\n", "")
    path.write_text(text, encoding="utf-8")
    if config is not None:
        (folder / "build" / "zephyr").mkdir(parents=True)
        (folder / "build" / "zephyr" / ".config").write_text(config, encoding="utf-8")
    return path


def request(
    path: Path, *, flavour: Flavour | None = None, trim: Trim = Trim.NOTHING
) -> ExportsRequest:
    """What to generate of a manifest."""
    build = Request(
        manifest=path, display=path.name, output=path.parent / "out", environment={"PATH": ""}
    )
    return ExportsRequest(build=build, flavour=flavour, trim=trim)


@pytest.mark.parametrize(
    ("expected", "base"),
    [
        (Flavour.STANDALONE, "exports-only: 0"),
        (Flavour.STANDALONE, "image: base.elf"),
        (Flavour.ZEPHYR, "build-dir: build"),
        (Flavour.ZEPHYR, "zephyr-version: '4.3'"),
    ],
)
def test_the_flavour_is_what_the_base_is(expected: Flavour, base: str, tmp_path: Path) -> None:
    """Zephyr, where anything says so; none of the files has to be there."""
    result = exports(request(manifest(tmp_path, base)))
    assert result.flavour is expected
    assert ("<zephyr/llext/symbol.h>" in result.source) is (expected is Flavour.ZEPHYR)


def test_the_flavour_can_be_chosen(tmp_path: Path) -> None:
    """`--flavour`."""
    result = exports(request(manifest(tmp_path, "build-dir: build"), flavour=Flavour.STANDALONE))
    assert "west_llext_exports[]" in result.source


def test_conditions_are_left_to_the_compiler_where_nothing_is_configured(tmp_path: Path) -> None:
    """The table can be generated before the base image is configured."""
    result = exports(request(manifest(tmp_path, "build-dir: build")))
    assert "defined(CONFIG_SENSOR)" in result.source
    assert result.names == ("printk", "sensor_channel_get", "sensor_sample_fetch")
    assert result.conditional == 2


@pytest.mark.parametrize(
    ("names", "off", "config"),
    [
        (("printk", "sensor_channel_get", "sensor_sample_fetch"), (), "CONFIG_SENSOR=y\n"),
        (
            ("printk",),
            ("sensor_channel_get", "sensor_sample_fetch"),
            "# CONFIG_SENSOR is not set\n",
        ),
        (("printk",), ("sensor_channel_get", "sensor_sample_fetch"), ""),
    ],
)
def test_conditions_are_decided_by_the_configuration(
    names: tuple[str, ...], off: tuple[str, ...], config: str, tmp_path: Path
) -> None:
    """With a .config no question is left in the table."""
    result = exports(request(manifest(tmp_path, "build-dir: build", config)))
    assert (result.names, result.off, result.conditional) == (names, off, 0)
    assert "CONFIG_SENSOR" not in result.source + result.header


def test_trimming_keeps_what_extensions_need(tmp_path: Path) -> None:
    """The object needs `printk` alone."""
    path = project(tmp_path)
    result = exports(request(path, trim=Trim.UNUSED))
    assert result.names == ("printk",)
    assert [each.name for each in result.dropped] == ["k_uptime_get", "memcpy"]
    # for each two words and the name with its end
    assert result.saved == 8 + len("k_uptime_get") + 1 + 8 + len("memcpy") + 1


def test_only_what_the_target_gets_needs_something() -> None:
    """Debug information and unwind tables (SHT_ARM_EXIDX, EHABI 4.4.1) stay on the host."""
    wants = {".text": "printk", ".debug_info": "memcpy", ".ARM.exidx": "__aeabi_unwind_cpp_pr0"}
    flags = {".text": SHF_ALLOC, ".debug_info": 0, ".ARM.exidx": SHF_ALLOC}
    data = elf(
        sections=[
            Sec(
                name=name,
                type=0x70000001 if name == ".ARM.exidx" else PROGBITS,
                flags=flags[name],
                size=8,
                relocations=[Rel(offset=0, type=2, symbol=symbol)],
            )
            for name, symbol in wants.items()
        ],
        symbols=[*(Sym(name=name) for name in wants.values()), Sym(name="unused")],
    )
    assert undefined(object_file(data, "a.o")) == {"printk"}


def test_trimming_names_every_extension_that_is_not_built(tmp_path: Path) -> None:
    """T021, exit status 3."""
    path = project(tmp_path)
    text = path.read_text(encoding="utf-8").replace("objects: [demo.o]", "sources: [demo.c]")
    second = text[text.index("  - name: demo") :].replace("name: demo", "name: other")
    path.write_text(text + second, encoding="utf-8")
    (tmp_path / "demo.c").touch()
    with pytest.raises(MissingError) as caught:
        exports(request(path, trim=Trim.UNUSED))
    expected = (
        "llext.yml:{}:11: error[T021]: nobody knows what extension '{}' needs: not all that the "
        "table is trimmed by was built since the last change\n"
        "hint: run 'west llext build' first"
    )
    assert [str(each) for each in caught.value.diagnostics] == [
        expected.format(11, "demo"),
        expected.format(15, "other"),
    ]


def test_a_trimmed_table_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """A build writes the whole table, and each would undo what the other did."""
    path = project(tmp_path)
    for trim in Trim:
        written(exports(request(path, trim=trim)), tmp_path / "out")
    whole = (tmp_path / "out" / "llext_exports.c").read_text(encoding="utf-8")
    trimmed = (tmp_path / "out" / "trimmed" / "llext_exports.c").read_text(encoding="utf-8")
    assert "memcpy" in whole
    assert "memcpy" not in trimmed


def test_a_build_leaves_the_generated_table_alone(tmp_path: Path) -> None:
    """Or the base image would be compiled again after every build."""
    project(tmp_path)
    assert command("exports", folder=tmp_path).status == 0
    path = tmp_path / "build" / "llext" / "llext_exports.c"
    before = path.read_bytes()
    assert command("build", folder=tmp_path).status == 0
    assert path.read_bytes() == before


def test_nothing_is_written_a_second_time(tmp_path: Path) -> None:
    """Time stamps stay, so nothing is compiled again."""
    path = project(tmp_path)
    first = written(exports(request(path)), tmp_path / "out")
    second = written(exports(request(path)), tmp_path / "out")
    assert (len(first.written), second.written, second.untouched) == (2, (), 2)


def test_the_command_as_a_whole(tmp_path: Path) -> None:
    """What is told of a whole table, then of a trimmed one."""
    project(tmp_path)
    expected = "3 symbols (standalone): build/llext/llext_exports.c, build/llext/llext_exports.h\n"
    assert command("exports", folder=tmp_path) == (0, expected, "")
    expected = expected.replace("\n", " (unchanged)\n")
    assert command("exports", folder=tmp_path) == (0, expected, "")
    ran = command("exports", "--trim", "-v", folder=tmp_path)
    expected = (
        "1 symbol (standalone): build/llext/trimmed/llext_exports.c, "
        "build/llext/trimmed/llext_exports.h\n"
        "2 symbols trimmed: 36 bytes of the base image saved\n"
        "trimmed k_uptime_get: 21 bytes\n"
        "trimmed memcpy: 15 bytes\n"
    )
    assert ran == (0, expected, "")


@pytest.mark.parametrize(
    ("word", "begins"), [("c", '#include "llext_exports.h"'), ("h", "#ifndef")]
)
def test_a_table_on_standard_output(word: str, begins: str, tmp_path: Path) -> None:
    """`--stdout` writes nothing."""
    project(tmp_path)
    ran: Ran = command("exports", f"--stdout={word}", folder=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("/* Made by west-llext from llext.yml: ")
    assert f"\n{begins}" in ran.out
    assert not (tmp_path / "build").exists()


def test_json_has_the_names(tmp_path: Path) -> None:
    """For scripts that generate the base image's build."""
    project(tmp_path)
    result = json.loads(command("exports", "--json", folder=tmp_path).out)["result"]
    files = ["build/llext/llext_exports.c", "build/llext/llext_exports.h"]
    assert result == {
        "flavour": "standalone",
        "symbols": ["k_uptime_get", "memcpy", "printk"],
        "switched_off": [],
        "conditional": 0,
        "already": [],
        "trimmed": [],
        "saved": 0,
        "files": files,
        "written": files,
    }


def test_names_that_sources_export_stay_out_of_the_table(tmp_path: Path) -> None:
    """Told by what is going to be linked; the header has them, because they are exported."""
    path = manifest(tmp_path, "zephyr-version: '4.3'")
    objects = tmp_path / "printk.o"
    objects.write_bytes(b"\0._llext_const_symbol.static.__llext_sym_printk_\0")
    (tmp_path / "list").write_text(f"{objects}\n\n", encoding="utf-8")
    for words in (["--linked", "printk.o"], ["--linked", "@list"]):
        ran = command("exports", *words, "--json", folder=tmp_path)
        result = json.loads(ran.out)["result"]
        assert result["already"] == ["printk"]
        assert "printk" in result["symbols"]
    source = (path.parent / "build/llext/llext_exports.c").read_text(encoding="utf-8")
    header = (path.parent / "build/llext/llext_exports.h").read_text(encoding="utf-8")
    assert "printk" not in source
    assert "#define WEST_LLEXT_HAS_printk 1" in header
    out = command("exports", "--linked", "printk.o", folder=tmp_path).out
    assert "1 symbol left out: sources of the base image export them\n" in out


def test_a_list_of_objects_that_is_not_there(tmp_path: Path) -> None:
    """L001, exit status 3."""
    manifest(tmp_path)
    for word in ("@none", "none.a"):
        ran = command("exports", "--linked", word, folder=tmp_path)
        assert (ran.status, ran.out) == (3, "")
        assert "error[L001]: can't read 'none" in ran.err


def test_exports_that_a_table_of_slids_can_not_tell_apart(tmp_path: Path) -> None:
    """With the configuration of the base image, which says that there are SLIDs, and how long."""
    config = "CONFIG_LLEXT_EXPORT_BUILTINS_BY_SLID=y\n"
    path = manifest(tmp_path, "build-dir: build", config)
    text = path.read_text(encoding="utf-8")
    names = "sensor_read_45456, sensor_read_46649"
    path.write_text(text.replace("printk", names), encoding="utf-8")
    ran = command("exports", folder=tmp_path)
    assert ran.status == 1
    assert "error[O032]: 'sensor_read_46649' and 'sensor_read_45456' have the same SLID" in ran.err
    (tmp_path / "build" / "zephyr" / ".config").write_text(config + "CONFIG_64BIT=y\n")
    assert command("exports", folder=tmp_path).status == 0
