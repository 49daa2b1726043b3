# SPDX-License-Identifier: Apache-2.0
"""Workspaces for all tests of `west llext`; made once, tests work in folders of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import workspaces

FORMS = ["manifest", *workspaces.PROJECTS]


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL that projects are cloned from."""
    pytest.importorskip("west")
    return workspaces.upstream(tmp_path_factory.mktemp("upstream"))


@pytest.fixture(scope="session")
def manifest_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose manifest repository is this one."""
    pytest.importorskip("west")
    return workspaces.manifest_repository(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="session", params=FORMS)
def workspace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of each form in which a workspace can have the command."""
    if request.param == "manifest":
        found: Path = request.getfixturevalue("manifest_workspace")
        return found
    return workspaces.project_workspace(
        tmp_path_factory.mktemp(request.param),
        workspaces.PROJECTS[request.param],
        request.getfixturevalue("upstream"),
    )


@pytest.fixture
def folder(manifest_workspace: Path, tmp_path: Path) -> Path:
    """A folder of a workspace for one test alone."""
    made = manifest_workspace / tmp_path.name
    made.mkdir()
    return made
