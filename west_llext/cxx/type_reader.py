# SPDX-License-Identifier: Apache-2.0
"""Reads <type> and what types are made of (Itanium C++ ABI, 5.1.5)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from west_llext.cxx.cursor import Cursor
from west_llext.cxx.spelling import (
    ABBREVIATION,
    BUILTIN,
    DECLARATOR,
    LITERAL_SUFFIX,
    QUALIFIER,
    WHOLE,
)
from west_llext.cxx.types import (
    Type,
    Unreadable,
    array,
    bounded,
    declared,
    each,
    function,
    joined,
    member,
    qualified,
    with_arguments,
)


class TypeReader(Cursor, ABC):
    """Types are appended to a list as they are read, so that the symbol can refer to them.

    template: the arguments that `T_` refers to; None where no template was named
    generic: whether it is an `auto` of the lambda that is being read
    scope: number of the function or lambda whose they are
    doubtful: from this number on, compilers disagree about what was appended
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.template: Sequence[Type] | None = None
        self.generic = False
        self.scope = 0
        self.doubtful = len(text)
        self._scopes = 0
        # with the scope that their template parameters have a meaning in, or 0
        self._known: list[tuple[Type, int]] = []
        self._dependent = -1  # where the last of those was read

    @abstractmethod
    def class_name(self) -> Type:
        """Read <name> as the name of a type."""

    @abstractmethod
    def encoding(self) -> Type:
        """Read <encoding>: a function with its types, an object, or something special."""

    def noted(self, found: Type, start: int) -> Type:
        """A type that began at `start`, and to which the symbol may refer from here on."""
        self._known.append((found, self.scope if self._dependent >= start else 0))
        return found

    def new_scope(self) -> int:
        """Enter a function or lambda; the number of the one around it."""
        outer = self.scope
        self._scopes += 1
        self.scope = self._scopes
        return outer

    def type(self) -> Type:
        """Read <type>."""
        self.enter()
        start, letter = self.at, self.peek()
        if letter == "S":
            found = self._substituted()
        elif letter == "D" or (letter in BUILTIN and letter):
            found = self._builtin()
        else:
            found = self.noted(self._compound(letter), start)
        self.leave()
        return found

    def arguments(self) -> list[Type]:
        """Read <template-args>."""
        self.enter()
        self.expect("I")
        found = []
        while not self.taken("E"):
            found.append(self._argument())
        self.leave()
        return found

    def applied(self, name: Type, arguments: Iterable[Type]) -> Type:
        """A template's name with its arguments."""
        parts = [name, *spliced(arguments)]
        return joined(parts, lambda row: with_arguments(row[0], row[1:]))

    def abbreviation(self) -> Type | None:
        """Read a <substitution> of the standard library, where there is one."""
        letters = self.peek(2)
        if letters not in ABBREVIATION:
            return None
        self.at += 2
        text, base = ABBREVIATION[letters]
        if letters in WHOLE and self.peek() in {"C", "D"}:
            text = WHOLE[letters]
        return Type(text, base=base)

    def reference(self) -> Type:
        """Read a <substitution> by number."""
        start = self.at
        self.expect("S")
        number = self.sequence()
        if number >= min(len(self._known), self.doubtful):
            raise Unreadable
        found, scope = self._known[number]
        if scope:
            # template parameters of another function are other types
            if scope != self.scope:
                raise Unreadable
            self._dependent = start
        return found

    def parameter(self) -> Type:
        """Read <template-param>."""
        self._dependent = self.at
        self.expect("T")
        number = self.ordinal()
        if self.generic:
            return Type(f"auto:{number + 1}")
        if self.template is None or number >= len(self.template):
            raise Unreadable
        return self.template[number]._replace(expanded=False)

    def qualifiers(self) -> list[str]:
        """Read <CV-qualifiers>, if any, as words to append."""
        return [words for letter, words in QUALIFIER.items() if self.taken(letter)][::-1]

    def reference_qualifier(self) -> str:
        """Read <ref-qualifier>, if any, as a word to append."""
        return " &" if self.taken("R") else " &&" if self.taken("O") else ""

    def parameters(self, *ends: str) -> list[Type]:
        """Read the types of a <bare-function-type> up to one of `ends`, which stays."""
        found = []
        while not self.text.startswith(ends, self.at) and self.peek():
            found.append(self.type())
        if not found:
            raise Unreadable
        return found

    def _substituted(self) -> Type:
        start = self.at
        if self.peek(2) == "St":
            return self.noted(self.class_name(), start)
        short = self.abbreviation()
        found = self.reference() if short is None else short
        if self.peek() == "I":
            return self.noted(self.applied(found, self.arguments()), start)
        return found

    def _builtin(self) -> Type:
        start, letters = self.at, self.peek(2) if self.peek() == "D" else self.peek()
        if letters == "Dp":
            return self.noted(self._expansion(), start)
        if letters == "Dv":
            return self.noted(self._vector(), start)
        if letters in {"Do", "Dx"}:
            return self.noted(self._function(), start)
        if letters not in BUILTIN:
            raise Unreadable
        self.at += len(letters)
        return Type(BUILTIN[letters])

    def _compound(self, letter: str) -> Type:
        if letter in QUALIFIER:
            words = self.qualifiers()
            if self.peek() == "F":
                return self._function("".join(words))
            return each(self.type(), lambda one: qualified(one, words))
        if letter in DECLARATOR:
            self.at += 1
            return each(self.type(), lambda one: declared(one, DECLARATOR[letter]))
        readers = {
            "F": self._function,
            "A": self._array,
            "M": self._member,
            "T": self._parameter,
            "u": self._vendor,
        }
        return readers.get(letter, self.class_name)()

    def _member(self) -> Type:
        self.expect("M")
        return joined((self.type(), self.type()), lambda row: member(*row))

    def _parameter(self) -> Type:
        start, found = self.at, self.parameter()
        if self.peek() != "I":
            return found
        return self.applied(self.noted(found, start), self.arguments())

    def _vendor(self) -> Type:
        self.expect("u")
        return Type(self.take(self.number()))

    def _function(self, after: str = "") -> Type:
        # after: qualifiers, of a member function
        noexcept = " noexcept" if self.taken("Do") else ""
        self.expect("F")
        self.taken("Y")
        types = self.parameters("E", "RE", "OE")
        after += self.reference_qualifier()
        self.expect("E")
        return joined(
            spliced(types),
            lambda row: function(row[0], f"{in_parentheses(row[1:])}{after}{noexcept}"),
        )

    def _array(self) -> Type:
        self.expect("A")
        bound = Type(self.digits()) if self.peek() != "T" else self.parameter()
        self.expect("_")
        return joined((self.type(), bound), lambda row: array(row[0], row[1].text))

    def _expansion(self) -> Type:
        self.expect("Dp")
        found = self.type()
        if found.pack is None:
            raise Unreadable
        return found._replace(expanded=True)

    def _vector(self) -> Type:
        self.expect("Dv")
        count = self.number()
        self.expect("_")
        return each(self.type(), lambda one: Type(f"{one.text} __vector({count})"))

    def _argument(self) -> Type:
        readers = {
            "L": self._literal,
            "X": self._expression,
            "J": self._pack,
            "I": self._pack,  # of older compilers
        }
        return readers.get(self.peek(), self.type)()

    def _pack(self) -> Type:
        self.enter()
        self.at += 1
        found = []
        while not self.taken("E"):
            found.append(self._argument())
        self.leave()
        pack = tuple(spliced(found))
        if any(one.pack is not None for one in pack):
            raise Unreadable
        return bounded(Type("", pack=pack, expanded=True))

    def _expression(self) -> Type:
        # a template parameter; others aren't read
        self.expect("X")
        found = self.parameter()
        self.expect("E")
        return found

    def _literal(self) -> Type:
        self.expect("L")
        if self.taken("_Z"):
            found = self.encoding()
            self.expect("E")
            return found
        letter = self.peek()
        kind = self.type()
        sign = "-" if self.taken("n") else ""
        value = self.digits()
        self.expect("E")
        if not value and kind.text == BUILTIN["Dn"]:
            return kind
        if not value or letter in {"f", "d", "e", "g"}:
            raise Unreadable
        if letter in LITERAL_SUFFIX:
            return bounded(Type(f"{sign}{value}{LITERAL_SUFFIX[letter]}"))
        if letter == "b" and sign + value in {"0", "1"}:
            return Type("true" if value == "1" else "false")
        return bounded(Type(f"({kind.text}){sign}{value}"))


def spliced(types: Iterable[Type]) -> list[Type]:
    """The types, with those of expanded packs in the place of each pack."""
    found: list[Type] = []
    for one in types:
        if one.pack is not None and one.expanded:
            found += one.pack
        else:
            found.append(one)
    return found


def in_parentheses(parameters: Sequence[Type]) -> str:
    """The parameters of a function."""
    listed = ", ".join(one.text for one in parameters)
    return "()" if listed == "void" else f"({listed})"
