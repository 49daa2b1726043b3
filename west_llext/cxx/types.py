# SPDX-License-Identifier: Apache-2.0
"""Types as text, with a place for a declarator: `int (*` and `)(char)`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

#: Longest text of a name, in characters; nobody reads more.
MAX_TEXT = 1000


class Unreadable(Exception):  # noqa: N818  # not an error: such names are shown as they are
    """A symbol that isn't a name of C++, or one that is beyond what is read."""


class Type(NamedTuple):
    """A type, or the name of something.

    left, right: text on both sides of a declarator; `right` is of functions and arrays
    base: the name that its constructors have
    pack: the types of a parameter pack, in place of a text
    expanded: whether those stand one after the other; else each makes a type of its own
    """

    left: str
    right: str = ""
    base: str = ""
    pack: tuple[Type, ...] | None = None
    expanded: bool = False

    @property
    def text(self) -> str:
        """The type without a declarator."""
        return self.left + self.right


def bounded(found: Type) -> Type:
    """The type, where it isn't too long."""
    size = len(found.left) + len(found.right)
    if found.pack is not None:
        size += sum(len(each.left) + len(each.right) for each in found.pack)
    if size > MAX_TEXT:
        raise Unreadable
    return found


def each(found: Type, made: Callable[[Type], Type]) -> Type:
    """What is made of a type, or of each type of a pack."""
    if found.pack is None:
        return bounded(made(found))
    return bounded(Type("", pack=tuple(bounded(made(one)) for one in found.pack)))


def joined(parts: Sequence[Type], made: Callable[[Sequence[Type]], Type]) -> Type:
    """What is made of several types; a pack, where any of them is one."""
    sizes = {len(one.pack) for one in parts if one.pack is not None}
    if not sizes:
        return bounded(made(parts))
    if len(sizes) > 1:
        raise Unreadable
    rows = [
        [one if one.pack is None else one.pack[number] for one in parts]
        for number in range(sizes.pop())
    ]
    return bounded(Type("", pack=tuple(bounded(made(row)) for row in rows)))


def declared(found: Type, mark: str) -> Type:
    """A pointer or reference to a type; `mark` is what stands before the declared name."""
    left = found.left
    if mark in {"&", "&&"} and left.endswith("&"):
        # a reference to a reference: the shorter one counts
        return Type(left.rstrip("&") + ("&&" if mark == left[-2:] == "&&" else "&"), found.right)
    return _inside(found, mark)


def _inside(found: Type, mark: str) -> Type:
    # the mark binds less tightly than the parentheses of a function and the brackets of an array
    if found.right[:1] in {"(", " "}:
        space = found.right[0].strip("(")
        return Type(f"{found.left}{space}({mark}", f"){found.right}")
    return Type(found.left + mark, found.right)


def qualified(found: Type, words: Sequence[str]) -> Type:
    """A type with ` const` and the like, that of what is in an array."""
    if found.right.startswith("("):
        raise Unreadable
    left = found.left
    for word in words:
        left += "" if left.endswith(word) else word
    return Type(left, found.right, found.base)


def array(found: Type, bound: str) -> Type:
    """An array of a type."""
    return Type(found.left, f" [{bound}]{found.right.removeprefix(' ')}")


def function(result: Type, parameters: str) -> Type:
    """A function type; the parameters are in parentheses."""
    left = result.left if result.right else f"{result.left} "
    return Type(left, parameters + result.right)


def member(owner: Type, found: Type) -> Type:
    """A pointer to a member of a class."""
    if found.right[:1] in {"(", " "}:
        return _inside(found, f"{owner.text}::*")
    return Type(f"{found.left} {owner.text}::*", found.right)


def with_arguments(name: Type, arguments: Sequence[Type]) -> Type:
    """A template's name with its arguments."""
    inner = ", ".join(one.text for one in arguments)
    opening = " <" if name.left.endswith("<") else "<"
    return Type(f"{name.left}{opening}{inner}>", base=name.base)
