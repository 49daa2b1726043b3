# SPDX-License-Identifier: Apache-2.0
"""The schema files: complete, valid, and the only source of what the tool and its docs say."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.manifests import complaints

from west_llext.manifest import reference, schema
from west_llext.manifest.words import OTHER_WORDS

ROOT = Path(__file__).parents[2]
NAMES = [schema.MANIFEST, schema.EXPORTS]
MANIFEST: dict[str, Any] = json.loads(schema.text(schema.MANIFEST))


def keys(part: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key that any mapping of a schema knows, with its schema."""
    if isinstance(part, dict):
        for name, value in part.get("properties", {}).items():
            yield f"{path}/{name}", value
        for name, value in part.items():
            yield from keys(value, f"{path}/{name}")
    elif isinstance(part, list):
        for value in part:
            yield from keys(value, path)


def root(path: str) -> dict[str, Any]:
    """The whole schema that a path is in."""
    content: dict[str, Any] = json.loads(schema.text(path.split("/", maxsplit=1)[0]))
    return content


KEYS = [pair for name in NAMES for pair in keys(json.loads(schema.text(name)), name)]


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_valid_draft_2020_12(name: str) -> None:
    """Judged by the metaschema."""
    content = json.loads(schema.text(name))
    assert content["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(content)


def test_there_are_as_many_keys_as_the_design_names() -> None:
    """5 at the top, 2 of run, 7 of base, 4 of toolchain, groups, memories, 6, 11, 4; 1 shared."""
    assert len(KEYS) == 5 + 2 + 7 + 4 + 4 + 4 + 6 + 11 + 4 + 1


@pytest.mark.parametrize(("path", "value"), KEYS, ids=[path for path, _ in KEYS])
def test_every_key_is_described_and_has_examples_that_are_valid(
    path: str, value: dict[str, Any]
) -> None:
    """A sentence at least, and examples that the key's own schema accepts."""
    assert value["description"].endswith(".")
    validator = jsonschema.Draft202012Validator({**value, "$defs": root(path)["$defs"]})
    assert value["examples"]
    assert [str(error) for each in value["examples"] for error in validator.iter_errors(each)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [pair for pair in KEYS if "default" in pair[1]],
    ids=[path for path, value in KEYS if "default" in value],
)
def test_defaults_are_valid(path: str, value: dict[str, Any]) -> None:
    """A default that could not be written is no default."""
    validator = jsonschema.Draft202012Validator({**value, "$defs": root(path)["$defs"]})
    assert [str(each) for each in validator.iter_errors(value["default"])] == []


def test_mappings_are_closed() -> None:
    """Only `defines` takes keys of the user."""
    tables = [MANIFEST, *MANIFEST["$defs"].values()]
    open_tables = [
        each["title"]
        for each in tables
        if each["type"] == "object" and each["additionalProperties"] is not False
    ]
    assert open_tables == ["a mapping of names to values"]


def test_both_schemas_mean_the_same_by_a_symbol() -> None:
    """The list in a `from` file is a list in the manifest, only elsewhere."""
    shared = json.loads(schema.text(schema.EXPORTS))
    for name in ("symbol", "symbols"):
        assert MANIFEST["$defs"][name] == shared["$defs"][name]


def test_keyword_that_the_walker_does_not_apply_is_refused() -> None:
    """Nothing that the schema promises may go unchecked."""
    content = {**MANIFEST, "$defs": {**MANIFEST["$defs"]}}
    content["$defs"]["word"] = {**content["$defs"]["word"], "format": "uri"}
    with pytest.raises(ValueError, match=r"unknown schema keywords \['format'\] in word"):
        schema._Compiler(content).root()


def test_schema_of_a_wheel_is_found_beside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyproject.toml puts schemas/ into west_llext/; a checkout has it one folder up."""
    package = tmp_path / "west_llext"
    (package / "manifest").mkdir(parents=True)
    monkeypatch.setattr(schema, "__file__", str(package / "manifest" / "schema.py"))
    read = schema.text.__wrapped__
    for folder in (tmp_path / "schemas", package / "schemas"):
        shutil.copytree(ROOT / "schemas", folder)
        (folder / schema.MANIFEST).write_text(f'"{folder.parent.name}"')
        assert read(schema.MANIFEST) == f'"{folder.parent.name}"'


def test_words_of_others_lead_to_keys_that_exist(tmp_path: Path) -> None:
    """The table of words and the schema have to fit: title, and key."""
    tables = {each["title"]: each for each in (MANIFEST, *MANIFEST["$defs"].values())}
    for (title, word), ours in OTHER_WORDS.items():
        assert ours in tables[title]["properties"]
        assert word not in tables[title]["properties"]
    assert complaints(tmp_path, "version: 1\nmodules: []\n") == (
        "llext.yml:2:1: error[M011]: unknown key 'modules' in a manifest\nhint: write 'extensions'"
    )


def test_named_types_with_codes_exist() -> None:
    """A code that hangs on a name that nobody uses would never be seen."""
    tables = (schema._CODES, schema._LONG_CODES, schema._UNIQUE_CODES, schema._REASONS)
    for table in (*tables, schema._ADVICE):
        assert sorted(set(table) - set(MANIFEST["$defs"])) == []


def test_committed_reference_page_is_what_the_schemas_make() -> None:
    """Run tools/manifest_reference.py after changing a schema."""
    assert reference.text() == (ROOT / "docs" / "manifest.md").read_text(encoding="utf-8")


def test_examples_of_the_reference_page_are_yaml() -> None:
    """Each line of an example loads as what the schema holds."""
    import yaml

    page = reference.text()
    for path, value in KEYS:
        if path.startswith(schema.MANIFEST):
            key = path.rsplit("/", 1)[1]
            for example in value["examples"]:
                line = schema.sample(key, example)
                assert re.search(rf"^{re.escape(line)}$", page, re.MULTILINE)
                loaded = yaml.safe_load(line)[key]
                assert _as_text(loaded) == _as_text(example)


def _as_text(value: Any) -> Any:
    # YAML types 0x20020000 and 4.3, the schema's examples spell them
    if isinstance(value, dict):
        return {key: _as_text(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_text(each) for each in value]
    if isinstance(value, str) and re.fullmatch(r"0x[0-9a-f]+", value):
        return str(int(value, 16))
    return str(value)
