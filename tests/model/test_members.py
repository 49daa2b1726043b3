# SPDX-License-Identifier: Apache-2.0
"""Enums whose members are plain attributes are enums all the same."""

from __future__ import annotations

import pickle
from enum import Enum

import pytest

from west_llext.arch.formula import Formula
from west_llext.link.targets import Kind
from west_llext.model.manifest import Mode
from west_llext.model.region import Region


@pytest.mark.parametrize("kind", [Formula, Kind, Mode, Region])
def test_members_are_what_an_enum_has(kind: type[Enum]) -> None:
    """By name, by value, in their order, and through a pipe."""
    for name, member in kind.__members__.items():
        assert vars(kind)[name] is member
        assert getattr(kind, name) is kind[name] is kind(member.value) is member
        assert pickle.loads(pickle.dumps(member)) is member  # noqa: S301 (our own)
    assert list(kind) == list(kind.__members__.values())


def test_members_still_cannot_be_replaced() -> None:
    """They are constants."""
    with pytest.raises(AttributeError):
        Kind.OWN = Kind.ZERO  # type: ignore[misc,assignment]
