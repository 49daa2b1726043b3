# SPDX-License-Identifier: Apache-2.0
"""Who imports from whom, by names of extensions, over any number of steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable


def users(imports: Iterable[tuple[str, Iterable[str]]]) -> dict[str, list[str]]:
    """By extension, those that import from it; `imports` are extensions with their providers."""
    found: dict[str, list[str]] = {}
    for name, providers in imports:
        for each in providers:
            found.setdefault(each, []).append(name)
    return found


def reached(
    starts: Iterable[str], following: Callable[[str], Iterable[str]], most: int | None = None
) -> set[str]:
    """The names to begin with, and all that follow from them.

    most: names after which nothing further is looked for
    """
    found = set(starts)
    queue = [*found]
    while queue and (most is None or len(found) <= most):
        more = [each for each in following(queue.pop()) if each not in found]
        found.update(more)
        queue += more
    return found
