# SPDX-License-Identifier: Apache-2.0
"""West workspaces in temporary folders, with this repository in them in every form that west has.

Nothing is fetched: the repository is copied, with a version of its own, and cloned from there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path

from .commands import ROOT, Ran

#: What a checkout needs to have for the command to work; the version tells it from others.
PARTS = ("west_llext", "scripts", "schemas", "zephyr")
VERSION = "9.8.7"

#: Manifests of workspaces that have the command, by how they come to have it. `URL` is ours.
PROJECTS = {
    # the manifest names our file of commands
    "named": """\
manifest:
  projects:
    - name: west-llext
      url: URL
      revision: main
      path: modules/west-llext
      west-commands: scripts/west-commands.yml
  self:
    path: app
""",
    # our own west.yml does
    "imported": """\
manifest:
  projects:
    - name: west-llext
      url: URL
      revision: main
      path: modules/west-llext
      import: true
  self:
    path: app
""",
}


def run(*words: str, folder: Path, environment: Mapping[str, str] | None = None) -> Ran:
    """A command, by the interpreter of the tests, away from every setting of the user."""
    kept = {key: os.environ[key] for key in ("PATH", "SYSTEMROOT", "TMPDIR") if key in os.environ}
    done = subprocess.run(
        words,
        cwd=folder,
        env={**kept, "HOME": str(folder), "COLUMNS": "100", **(environment or {})},
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def west(*words: str, folder: Path, environment: Mapping[str, str] | None = None) -> Ran:
    """`west WORDS`."""
    return run(sys.executable, "-m", "west", *words, folder=folder, environment=environment)


def succeeded(ran: Ran) -> str:
    """What a command that has to succeed printed."""
    assert ran.status == 0, ran.err
    return ran.out


def checkout(folder: Path) -> None:
    """Copy this repository, with a version of its own."""
    for name in PARTS:
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "codes")
        )
    shutil.copy(ROOT / "west.yml", folder / "west.yml")
    (folder / "west_llext" / "__init__.py").write_text(
        f'"""A copy."""\n\n__version__ = "{VERSION}"\n', encoding="utf-8"
    )


def manifest_repository(top: Path) -> Path:
    """A workspace whose manifest repository is this one, by its own west.yml."""
    checkout(top / "west-llext")
    succeeded(west("init", "-l", "west-llext", folder=top))
    return top


def upstream(folder: Path) -> str:
    """A git repository with this one in it; its URL."""
    checkout(folder)
    user = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    for words in (["init", "-q", "-b", "main"], ["add", "."], [*user, "commit", "-q", "-m", "x"]):
        succeeded(run("git", *words, folder=folder))
    return folder.as_uri()


def project_workspace(top: Path, manifest: str, url: str) -> Path:
    """A workspace with a manifest of PROJECTS, and ours cloned from `url`."""
    (top / "app").mkdir(parents=True)
    (top / "app" / "west.yml").write_text(manifest.replace("URL", url), encoding="utf-8")
    succeeded(west("init", "-l", "app", folder=top))
    succeeded(west("update", folder=top))
    return top


@contextmanager
def settings(top: Path, values: Mapping[str, str]) -> Iterator[None]:
    """`west config NAME VALUE` for each; written as west writes them, which takes far longer."""
    path = top / ".west" / "config"
    before = path.read_text(encoding="utf-8")
    parser = ConfigParser()
    parser.read_string(before)
    for name, value in values.items():
        section, _, key = name.partition(".")
        if not parser.has_section(section):
            parser.add_section(section)
        parser.set(section, key, value.replace("%", "%%"))
    with path.open("w", encoding="utf-8") as file:
        parser.write(file)
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")
