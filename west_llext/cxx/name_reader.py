# SPDX-License-Identifier: Apache-2.0
"""Reads <encoding> and the names in it (Itanium C++ ABI, 5.1.2 to 5.1.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from west_llext.cxx.spelling import OF_OBJECT, OF_TYPE, OPERATOR
from west_llext.cxx.type_reader import TypeReader, in_parentheses, spliced
from west_llext.cxx.types import Type, Unreadable, bounded, joined

_ANONYMOUS = ("_GLOBAL__N", "_GLOBAL_.N", "_GLOBAL_$N")
#: What a compiler appends to the name of a function that it took apart or specialised.
_CLONE = re.compile(r"\.(?:[a-z_][a-z_0-9]*|\d+)(?:\.\d+)*")


class Name(NamedTuple):
    """A name, and what it says of the function that may follow.

    template: whether it ends in template arguments, so that the type of the result is encoded
    plain: whether it is of a constructor, destructor or conversion, which have none
    after: qualifiers of a member function
    """

    type: Type
    template: bool = False
    plain: bool = False
    after: str = ""


class NameReader(TypeReader):
    """Reads a whole symbol."""

    def symbol(self) -> str:
        """Read <mangled-name>, and what a compiler appended to it."""
        self.expect("_Z")
        text = self.encoding(result=True).text
        while clone := _CLONE.match(self.text, self.at):
            text += f" [clone {clone[0]}]"
            self.at = clone.end()
        if self.peek():
            raise Unreadable
        return text

    def encoding(self, *, result: bool = False) -> Type:
        """Read <encoding>.

        result: whether to say what a function template returns
        """
        self.enter()
        special = self._special()
        if special is None:
            outer = self.template, self.generic, self.new_scope()
            self.template, self.generic = None, False
            special = self._function_or_object(result=result)
            self.template, self.generic, self.scope = outer
        self.leave()
        if special.pack is not None:
            raise Unreadable
        return bounded(special)

    def class_name(self) -> Type:
        """Read <name> as the name of a type."""
        name = self._name()
        if name.plain or name.after:
            raise Unreadable
        return name.type

    def _function_or_object(self, *, result: bool) -> Type:
        name = self._name(outermost=True)
        if self.peek() in {"", "E"}:
            return name.type
        types = self.parameters("E", ".")
        none = Type("")
        returned = none
        if name.template and not name.plain:
            returned, *types = types
        if not types:
            raise Unreadable
        parts = [name.type, returned, *spliced(types)]
        return joined(
            parts,
            lambda row: _function(row[0], row[1] if result else none, row[2:], name.after),
        )

    def _name(self, *, outermost: bool = False) -> Name:
        # outermost: whether its template arguments are what template parameters refer to
        self.enter()
        letter = self.peek()
        if letter == "N":
            found = self._nested(outermost=outermost)
        elif letter == "Z":
            found = self._local(outermost=outermost)
        else:
            found = self._unscoped(outermost=outermost)
        self.leave()
        return found

    def _unscoped(self, *, outermost: bool) -> Name:
        start, known = self.at, False
        if self.taken("St"):
            name = scoped(Type("std"), self._unqualified())
        elif self.peek() == "S":
            short = self.abbreviation()
            name, known = self.reference() if short is None else short, True
            if self.peek() != "I":
                raise Unreadable
        else:
            name = self._unqualified()
        if self.peek() != "I":
            return Name(name)
        found = name if known else self.noted(name, start)
        return Name(self._specialised(found, outermost=outermost), template=True)

    def _specialised(self, name: Type, *, outermost: bool) -> Type:
        if not outermost:
            return self.applied(name, self.arguments())
        self.template = None
        self.template = arguments = self.arguments()
        return self.applied(name, arguments)

    def _nested(self, *, outermost: bool) -> Name:
        start = self.at
        self.expect("N")
        after = "".join(self.qualifiers()) + self.reference_qualifier()
        name = self._first()
        template = plain = False
        while not self.taken("E"):
            letter = self.peek()
            if letter == "I" and not template:
                name = self._specialised(name, outermost=outermost)
                template = True
            elif letter == "M":
                self.at += 1  # of a member whose initialiser has the lambda that follows
                continue
            else:
                plain = letter in {"C", "D"} or self.peek(2) == "cv"
                part = self._structor(name) if letter in {"C", "D"} else self._unqualified()
                name = joined((name, part), lambda row: scoped(*row))
                template = False
            if self.peek() != "E":
                self.noted(name, start)
        return Name(name, template, plain, after)

    def _first(self) -> Type:
        # the first component of a nested name
        start = self.at
        if self.taken("St"):
            return Type("std")
        if self.peek() == "S":
            short = self.abbreviation()
            return self.reference() if short is None else short
        first = self.parameter() if self.peek() == "T" else self._unqualified()
        return self.noted(first, start)

    def _structor(self, owner: Type) -> Type:
        # a constructor or destructor of a class
        mark = "" if self.take(1) == "C" else "~"
        if self.take(1) not in "012345" or not owner.base:
            raise Unreadable
        return self._tagged(Type(mark + owner.base, base=owner.base))

    def _local(self, *, outermost: bool) -> Name:
        self.expect("Z")
        owner = self.encoding()
        self.expect("E")
        if self.taken("s"):
            self._discriminator()
            return Name(scoped(owner, Type("string literal")))
        if self.taken("d"):
            number = self.ordinal() + 1
            owner = scoped(owner, Type(f"{{default arg#{number}}}"))
        name = self._name(outermost=outermost)
        self._discriminator()
        return name._replace(type=joined((owner, name.type), lambda row: scoped(*row)))

    def _discriminator(self) -> None:
        if self.taken("__"):
            self.number()
            self.expect("_")
        elif self.taken("_"):
            self.take(1)

    def _unqualified(self) -> Type:
        self.taken("L")  # of a static function or variable
        letter = self.peek()
        if letter.isdecimal():
            found = self._source_name()
        elif letter == "U":
            found = self._unnamed()
        else:
            found = self._operator()
        return self._tagged(found)

    def _source_name(self) -> Type:
        size = self.number()
        if not size:
            raise Unreadable
        text = self.take(size)
        if text.startswith(_ANONYMOUS):
            text = "(anonymous namespace)"
        return bounded(Type(text, base=text))

    def _tagged(self, name: Type) -> Type:
        while self.taken("B"):
            tag = self._source_name().left
            name = bounded(name._replace(left=f"{name.left}[abi:{tag}]"))
        return name

    def _unnamed(self) -> Type:
        if self.taken("Ut"):
            # gcc appends such a type once more than clang
            self.doubtful = min(self.doubtful, len(self._known))
            text = f"{{unnamed type#{self.ordinal() + 1}}}"
        else:
            self.expect("Ul")
            outer, scope = self.generic, self.new_scope()
            self.generic = True
            parts = spliced(self.parameters("E"))
            self.generic, self.scope = outer, scope
            self.expect("E")
            text = f"{{lambda{in_parentheses(parts)}#{self.ordinal() + 1}}}"
        return bounded(Type(text))

    def _operator(self) -> Type:
        letters = self.take(2)
        if letters == "cv":
            return bounded(Type(f"operator {self.type().text}"))
        if letters == "li":
            return bounded(Type(f'operator"" {self._source_name().left}'))
        if letters not in OPERATOR:
            raise Unreadable
        return Type(f"operator{OPERATOR[letters]}")

    def _special(self) -> Type | None:
        letters = self.peek(2)
        if letters in OF_TYPE:
            self.at += 2
            return _prefixed(OF_TYPE[letters], self.type())
        if letters in OF_OBJECT:
            self.at += 2
            return _prefixed(OF_OBJECT[letters], self._name().type)
        readers = {
            "Th": self._thunk,
            "Tv": self._thunk,
            "Tc": self._covariant_thunk,
            "TC": self._construction_vtable,
            "GT": self._transaction_clone,
        }
        return readers[letters]() if letters in readers else None

    def _thunk(self) -> Type:
        self.expect("T")
        words = "non-virtual thunk to " if self._offset() == "h" else "virtual thunk to "
        return _prefixed(words, self.encoding())

    def _covariant_thunk(self) -> Type:
        self.expect("Tc")
        self._offset()
        self._offset()
        return _prefixed("covariant return thunk to ", self.encoding())

    def _construction_vtable(self) -> Type:
        self.expect("TC")
        derived = self.type()
        self.number()
        self.expect("_")
        return _prefixed(f"construction vtable for {self.type().text}-in-", derived)

    def _transaction_clone(self) -> Type:
        self.expect("GT")
        words = "" if self.taken("t") else "non-"
        if words:
            self.expect("n")
        return _prefixed(f"{words}transaction clone for ", self.encoding())

    def _offset(self) -> str:
        # <call-offset>: its kind; the numbers are of no interest
        kind = self.take(1)
        if kind not in {"h", "v"}:
            raise Unreadable
        for _ in range(2 if kind == "v" else 1):
            self.taken("n")
            self.number()
            self.expect("_")
        return kind


def _prefixed(words: str, found: Type) -> Type:
    return Type(words + found.text) if found.pack is None else found


def scoped(owner: Type, part: Type) -> Type:
    """A name in the scope of another."""
    return Type(f"{owner.text}::{part.left}", base=part.base)


def _function(name: Type, result: Type, parameters: Sequence[Type], after: str) -> Type:
    text = f"{name.text}{in_parentheses(parameters)}{after}"
    if not result.left:
        return Type(text)
    space = "" if result.right else " "
    return Type(f"{result.left}{space}{text}{result.right}")
