# SPDX-License-Identifier: Apache-2.0
"""What a node must look like: the walker.

A shape reads a node, takes down what is wrong with it, and returns the plain value together with
the place it was read from, in one pass. Text is typed by its field: YAML's own idea of numbers and
booleans plays no part, so `1.10` and `no` stay text where text is meant.

Shapes are named tuples because every start of the tool makes these classes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from west_llext.manifest.log import Log
from west_llext.manifest.nodes import Mark, Node
from west_llext.manifest.text import alternatives, nearest, repairs, shown
from west_llext.manifest.words import OTHER_WORDS

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
# what entries in brackets would have to be quoted for
_IN_BRACKETS = frozenset(",[]{}")
# longer text isn't taken apart for a hint
_MAX_LINE = 1000
_UNITS = {"K": 10, "M": 20, "G": 30}


class Value(NamedTuple):
    """A plain value and its place.

    data: text, number, None, a dict of values by key, or a list of values
    """

    data: Any
    at: Mark


class Shape(Protocol):
    """Reads one kind of node."""

    @property
    def title(self) -> str:
        """What is expected, as a noun phrase."""
        ...

    @property
    def verb(self) -> str:
        """`is` for the value of a key, `holds` for an entry of a list."""
        ...

    def read(self, node: Node, key: str, log: Log) -> Value | None:
        """The value of `node`, which stands under `key`; None where it has none."""
        ...


class Scalar(NamedTuple):
    """Text, or a number.

    code, long_code: what to report under, for a bad value and for one that is too long
    pattern: what the whole text must match; every text where None
    choices: the only texts allowed; all where empty
    banned: texts that aren't allowed
    bounds: limits of a number, both included; None for text
    nullable: whether no value at all is a value too
    reason: why long text is no use, or empty
    advice: hint for a bad value, where there is nothing better to say
    """

    title: str
    verb: str
    code: str
    long_code: str
    pattern: re.Pattern[str] | None
    choices: tuple[str, ...]
    banned: frozenset[str]
    lengths: tuple[int, int]
    bounds: tuple[int, int] | None
    nullable: bool
    reason: str
    advice: str | None

    def read(self, node: Node, key: str, log: Log) -> Value | None:
        """Text as written, a number, or None for no value."""
        text = node.value
        if node.id != "scalar":
            return _wrong_kind(self, node, key, log)
        if text in _NULLS and not node.style:
            if self.nullable:
                return Value(None, node.start_mark)
            return _wrong_kind(self, node, key, log)
        if not self._fits(text):
            return self._refused(node, key, log)
        if self.bounds is not None:
            return self._number(node, key, log)
        return Value(text, node.start_mark)

    def entries(self, text: str) -> list[str]:
        """The entries of a list that somebody wrote as one text, in words or with commas.

        A text that can be an entry as it stands is one, but for flags of a command line.
        """
        flags = text.startswith("-")
        words = text.split() if flags else text.replace(",", " ").split()
        whole = not flags and self._fits(text)
        return words if words and not whole and all(map(self._fits, words)) else [text]

    def _fits(self, text: str) -> bool:
        least, most = self.lengths
        return (
            least <= len(text) <= most
            and (self.pattern is None or self.pattern.fullmatch(text) is not None)
            and text not in self.banned
            and (not self.choices or text in self.choices)
        )

    def _number(self, node: Node, key: str, log: Log) -> Value | None:
        number = _number(node.value)
        assert self.bounds is not None  # noqa: S101  for the type checker
        least, most = self.bounds
        if least <= number <= most:
            return Value(number, node.start_mark)
        message = f"'{key}' {self.verb} {node.value}, expected a number in [{least}, {most + 1:#x})"
        log.refuse(self.code, node, message)
        return None

    def _refused(self, node: Node, key: str, log: Log) -> Value | None:
        text = node.value
        wrong = f"'{key}' {self.verb} " + (f"'{shown(text)}'" if text else "an empty text")
        if len(text) > self.lengths[1]:
            message = f"{wrong} with {len(text)} characters, expected {self.lengths[1]} at most"
            log.refuse(self.long_code, node, message + (self.reason and f": {self.reason}"))
        elif self.choices and self.bounds is None:
            near = nearest(text, self.choices)
            hint = f"write '{near}'" if near else None
            log.refuse(self.code, node, f"{wrong}, expected {self.title}", hint)
        else:
            fixed = next((each for each in repairs(text) if self._fits(each)), None)
            hint = f"write '{fixed}'" if fixed else self.advice
            log.refuse(self.code, node, f"{wrong}, expected {self.title}", hint)
        # A bad name is still a name that others refer to.
        return Value(text, node.start_mark) if self.bounds is None and not self.choices else None


class Sequence(NamedTuple):
    """A list of values of one shape.

    code: what to report under where there are too few or too many
    unique_code: what to report repeated entries under; None where they are fine
    lengths: least and most number of entries
    reason: why there can't be more
    """

    title: str
    verb: str
    item: Shape
    code: str
    unique_code: str | None
    lengths: tuple[int, int]
    reason: str

    def read(self, node: Node, key: str, log: Log) -> Value | None:
        """A list of the entries that have a value."""
        if node.id != "sequence":
            return _wrong_kind(self, node, key, log, self._hint(node))
        item = self.item
        values = [item.read(each, key, log) for each in node.value]
        found = [each for each in values if each is not None]
        least, most = self.lengths
        if not least <= len(values) <= most:
            expected = self.title if len(values) < least else f"{most} at most"
            message = f"'{key}' has {len(values)} entries, expected {expected}"
            log.refuse(self.code, node, message + (self.reason and f": {self.reason}"))
        if self.unique_code and len({each.data for each in found}) < len(found):
            self._repeated(found, key, log)
        return Value(found, node.start_mark)

    def _repeated(self, found: list[Value], key: str, log: Log) -> None:
        seen: set[str] = set()
        for each in found:
            if each.data in seen:
                message = f"'{key}' holds '{shown(each.data)}' twice"
                log.add(str(self.unique_code), each.at, message, hint="remove one of them")
            seen.add(each.data)

    def _hint(self, node: Node) -> str | None:
        if node.id == "mapping":
            return None if isinstance(self.item, Scalar) else "begin each entry with '- '"
        item = self.item.shapes.get("scalar") if isinstance(self.item, Union) else self.item
        if not isinstance(item, Scalar) or node.value in _NULLS or len(node.value) > _MAX_LINE:
            return None
        entries = item.entries(node.value)
        if not _IN_BRACKETS.isdisjoint("".join(entries)):
            return None
        return f"write '[{shown(', '.join(entries))}]'"


class Table(NamedTuple):
    """A mapping.

    properties: shape of each known key
    samples: for each known key a line that shows how to write it
    required: keys that can't be left out
    any_of: keys of which one at least has to be there; may be empty
    names, others: shape of keys and values where any key is allowed; else None
    owners: titles of tables by the keys that are known there
    """

    title: str
    verb: str
    properties: Mapping[str, Shape]
    samples: Mapping[str, str]
    required: tuple[str, ...]
    any_of: tuple[str, ...]
    names: Shape | None
    others: Shape | None
    owners: Mapping[str, str]

    def read(self, node: Node, key: str, log: Log) -> Value | None:
        """A dict of the values, by key; a key whose value is bad has None."""
        if node.id != "mapping":
            return _wrong_kind(self, node, key, log, self._hint(node))
        found: dict[str, Value | None] = {}
        meant: set[str | None] = set()
        properties = self.properties
        for name, value in node.value:
            text = name.value
            if name.id != "scalar" or text in found:
                continue  # reported with the YAML
            shape = properties.get(text)
            if shape is not None:
                found[text] = shape.read(value, text, log)
            elif self.others is not None and self.names is not None:
                self.names.read(name, key, log)
                found[text] = self.others.read(value, shown(text), log)
            elif text != "<<":
                meant.add(self._unknown(name, found, log))
        for text in self.required:
            if text not in found and text not in meant:
                self._missing(text, node, log)
        if self.any_of and not any(text in found or text in meant for text in self.any_of):
            self._missing_choice(node, log)
        return Value(found, node.start_mark)

    def _hint(self, node: Node) -> str | None:
        if node.id == "sequence":
            return "write 'NAME: value'" if self.others else None
        titles = {each.title for each in self.properties.values()}
        if node.value in _NULLS or len(titles) != 1:
            return None
        # what is one thing for every key may well be meant for all of them
        pairs = ", ".join(f"{each}: {shown(node.value)}" for each in self.properties)
        return f"write '{{{pairs}}}'"

    def _unknown(self, name: Node, found: Mapping[str, Any], log: Log) -> str | None:
        # returns the key that seems to be meant
        text = name.value
        known = [each for each in self.properties if each not in found] or list(self.properties)
        near = OTHER_WORDS.get((self.title, text)) or nearest(text, known)
        message = f"unknown key '{shown(text)}' in {self.title}"
        hint = f"write '{near}'" if near else None
        if near is None and text in self.owners:
            hint = f"'{text}' belongs in {self.owners[text]}"
        if hint is None:
            message += f", expected {alternatives(self.properties)}"
        log.refuse("M011", name, message, hint)
        return near

    def _missing(self, text: str, node: Node, log: Log) -> None:
        log.refuse(
            "M013",
            node,
            f"missing key '{text}' in {self.title}, expected {self.properties[text].title}",
            f"add '{self.samples[text]}'",
        )

    def _missing_choice(self, node: Node, log: Log) -> None:
        first, second = self.any_of
        message = f"missing key '{first}' or '{second}' in {self.title}, expected one at least"
        log.refuse("M013", node, message, f"add '{self.samples[first]}'")


class Union(NamedTuple):
    """One of several shapes, told apart by the kind of node.

    shapes: by `scalar`, `sequence`, `mapping`
    """

    title: str
    verb: str
    shapes: Mapping[str, Shape]

    def read(self, node: Node, key: str, log: Log) -> Value | None:
        """What the shape for that kind reads."""
        shape = self.shapes.get(node.id)
        if shape is None:
            return _wrong_kind(self, node, key, log)
        return shape.read(node, key, log)


def _wrong_kind(
    shape: Shape, node: Node, key: str, log: Log, hint: str | None = None
) -> Value | None:
    subject = f"'{key}'" if key else "the document"
    if node.id != "scalar":
        wrong = f"{shape.verb} a list" if node.id == "sequence" else f"{shape.verb} a mapping"
    elif node.style or node.value not in _NULLS:
        wrong = f"{shape.verb} the text '{shown(node.value)}'"
    elif not node.value:
        wrong = "has no value" if shape.verb == "is" else "has an empty entry"
    else:
        wrong = f"{shape.verb} '{node.value}', which is no value"
        if isinstance(shape, Scalar):
            hint = f"write '\"{node.value}\"' if that text is meant"
    log.refuse("M012", node, f"{subject} {wrong}, expected {shape.title}", hint)
    return None


def _number(text: str) -> int:
    if text[:2] in ("0x", "0X"):
        return int(text, 16)
    unit = _UNITS.get(text[-1].upper())
    return int(text) if unit is None else int(text[:-1]) << unit
