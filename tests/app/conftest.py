# SPDX-License-Identifier: Apache-2.0
"""The quickstart, built once a session with each compiler; tests get copies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.sample import Sample, prepared


@pytest.fixture(scope="session")
def built_sample(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Sample]:
    """The built quickstart of a compiler; to be read only."""
    known: dict[str, Sample] = {}

    def sample(compiler: str) -> Sample:
        if compiler not in known:
            made = prepared(tmp_path_factory.mktemp("quickstart") / compiler, compiler)
            assert [str(each) for each in made.warnings(jobs=None)] == []
            known[compiler] = made
        return known[compiler]

    return sample


@pytest.fixture
def sample_of(built_sample: Callable[[str], Sample], tmp_path: Path) -> Callable[[str], Sample]:
    """The built quickstart of a compiler, in a folder of the test's own."""
    return lambda compiler: built_sample(compiler).copied(tmp_path / "sample")
