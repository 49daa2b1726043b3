# SPDX-License-Identifier: Apache-2.0
"""Enums that are asked for their members thousands of times."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

AnyEnum = TypeVar("AnyEnum", bound=Enum)


def plain_members(cls: type[AnyEnum]) -> type[AnyEnum]:
    """The enum, its members looked up as any attribute of a class (`Kind.OWN`).

    Before Python 3.12 that runs a function of the enum module each time, which takes ten times as
    long as the rest of such a comparison.
    """
    for name, member in cls.__members__.items():
        type.__setattr__(cls, name, member)
    return cls
