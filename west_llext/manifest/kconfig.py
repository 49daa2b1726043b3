# SPDX-License-Identifier: Apache-2.0
"""Kconfig expressions, as `when` has them.

Operators and precedence: Linux, Documentation/kbuild/kconfig-language.rst, "Menu dependencies":
comparisons bind most tightly, then `!`, `&&`, `||`; n, m and y count as 0, 1 and 2, `&&` is the
smaller, `||` the greater of two, `!` is 2 minus the value, a comparison is n or y. Here symbols are
spelled `CONFIG_X`, as C code and .config files do.

A setting that isn't there is n. n equals the empty text too, so that `CONFIG_X != ""` asks for a
text; no order holds between n and a number or another text.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Literal, TypeAlias

from west_llext.model.manifest import Condition
from west_llext.record import record

#: Deepest nesting of parentheses.
MAX_DEPTH = 50
#: Longest expression, in characters.
MAX_LENGTH = 1000

_TRISTATE: Mapping[str, int] = {"n": 0, "m": 1, "y": 2}
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<operator> \|\| | && | != | <= | >= | [=<>!()])
    | (?P<text> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*')
    | (?P<number> -?(?:0[xX][0-9a-fA-F]+|[0-9]+)(?![A-Za-z0-9_]))
    | (?P<word> [A-Za-z_][A-Za-z0-9_]*)
    )""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|[0-9]+)")
_ESCAPE = re.compile(r"\\(.)")
_MAX_DIGITS = 100


class ExpressionError(ValueError):
    """Text that isn't an expression.

    message: what is wrong
    column: characters before the place where it is
    hint: what would mend it, or None
    """

    def __init__(self, message: str, column: int, hint: str | None = None) -> None:
        super().__init__(f"{message} (column {column + 1})")
        self.message = message
        self.column = column
        self.hint = hint


class Compare(Enum):
    """Comparison of two values; the value is its spelling."""

    EQUAL = "="
    DIFFERENT = "!="
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="


@record(frozen=True, slots=True)
class Setting:
    """A symbol, such as `CONFIG_SENSOR`."""

    name: str


@record(frozen=True, slots=True)
class Constant:
    """A literal: `y`, a number, or the text between quotes."""

    text: str


@record(frozen=True, slots=True)
class Comparison:
    """Two operands compared."""

    how: Compare
    left: Setting | Constant
    right: Setting | Constant


@record(frozen=True, slots=True)
class Not:
    """2 minus the value."""

    inner: Expression


@record(frozen=True, slots=True)
class Join:
    """The smallest (`&&`) or greatest (`||`) value of several."""

    how: Literal["&&", "||"]
    parts: tuple[Expression, ...]


Expression: TypeAlias = "Setting | Constant | Comparison | Not | Join"

_ORDER: Mapping[Compare, Callable[[int, int], bool]] = {
    Compare.EQUAL: operator.eq,
    Compare.DIFFERENT: operator.ne,
    Compare.LESS: operator.lt,
    Compare.LESS_EQUAL: operator.le,
    Compare.GREATER: operator.gt,
    Compare.GREATER_EQUAL: operator.ge,
}


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """The expression that a text spells; raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters", 0)
    parser = _Parser(_tokens(text))
    found = parser.either(0)
    parser.end()
    return found


def holds(condition: Condition, config: Mapping[str, str]) -> bool:
    """Whether a condition isn't n for the settings in `config`."""
    return _value(parse(condition.text), config) > 0


def settings(expression: Expression) -> frozenset[str]:
    """Names of all symbols in an expression."""
    match expression:
        case Setting(name):
            return frozenset((name,))
        case Constant():
            return frozenset()
        case Comparison(_, left, right):
            return settings(left) | settings(right)
        case Not(inner):
            return settings(inner)
        case Join(_, parts):
            return frozenset().union(*(settings(each) for each in parts))


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return _ESCAPE.sub(r"\1", text[1:-1])
    return text


@record(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


def _tokens(text: str) -> list[_Token]:
    found = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            column = at + len(text[at:]) - len(text[at:].lstrip())
            raise ExpressionError(_strange(text[column:]), column)
        found.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        at = match.end()
    found.append(_Token("end", "", end))
    return found


def _strange(rest: str) -> str:
    if rest[0] in "\"'":
        return "the quote isn't closed"
    shown = rest[0] if rest[0].isprintable() else f"\\x{ord(rest[0]):02x}"
    return f"unexpected '{shown}'"


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def either(self, depth: int) -> Expression:
        return self._joined("||", depth)

    def end(self) -> None:
        token = self._tokens[self._next]
        if token.kind != "end":
            raise ExpressionError(
                f"unexpected '{token.text}', expected '&&', '||' or the end", token.column
            )

    def _joined(self, how: Literal["&&", "||"], depth: int) -> Expression:
        parts = []
        while True:
            parts.append(self._joined("&&", depth) if how == "||" else self._negated(depth))
            if not self._taken(how):
                return parts[0] if len(parts) == 1 else Join(how, tuple(parts))

    def _negated(self, depth: int) -> Expression:
        count = 0
        while self._taken("!"):
            count += 1
        if self._taken("("):
            if depth == MAX_DEPTH:
                column = self._tokens[self._next - 1].column
                raise ExpressionError(f"nested deeper than {MAX_DEPTH} parentheses", column)
            inner = self.either(depth + 1)
            if not self._taken(")"):
                token = self._tokens[self._next]
                raise ExpressionError(f"{_found(token)}, expected ')'", token.column)
        else:
            inner = self._comparison()
        # !!!x is !x: negation is its own inverse
        return Not(inner) if count % 2 else inner

    def _comparison(self) -> Expression:
        left = self._operand()
        token = self._tokens[self._next]
        if token.kind == "operator" and token.text in Compare._value2member_map_:
            self._next += 1
            return Comparison(Compare(token.text), left, self._operand())
        return left

    def _operand(self) -> Setting | Constant:
        token = self._tokens[self._next]
        self._next += 1
        if token.kind == "text":
            return Constant(_unquoted(token.text))
        if token.kind == "number" and len(token.text) <= _MAX_DIGITS:
            return Constant(token.text)
        if token.kind == "word":
            if token.text in _TRISTATE:
                return Constant(token.text)
            if token.text.startswith("CONFIG_") and token.text != "CONFIG_":
                return Setting(token.text)
            hint = f"write 'CONFIG_{token.text}'"
            raise ExpressionError(f"'{token.text}' is no Kconfig symbol", token.column, hint)
        raise ExpressionError(f"{_found(token)}, expected a symbol such as CONFIG_X", token.column)

    def _taken(self, text: str) -> bool:
        token = self._tokens[self._next]
        if token.kind == "operator" and token.text == text:
            self._next += 1
            return True
        return False


def _found(token: _Token) -> str:
    return "the expression ends here" if token.kind == "end" else f"unexpected '{token.text}'"


def _value(expression: Expression, config: Mapping[str, str]) -> int:
    match expression:
        case Setting(name):
            return _TRISTATE.get(config.get(name, "n"), 0)
        case Constant(text):
            return _TRISTATE.get(text, 0)
        case Comparison(how, left, right):
            return 2 if _compared(how, _text(left, config), _text(right, config)) else 0
        case Not(inner):
            return 2 - _value(inner, config)
        case Join("&&", parts):
            return min(_value(each, config) for each in parts)
        case Join(_, parts):
            return max(_value(each, config) for each in parts)


def _text(operand: Setting | Constant, config: Mapping[str, str]) -> str:
    return operand.text if isinstance(operand, Constant) else config.get(operand.name, "n")


def _compared(how: Compare, left: str, right: str) -> bool:
    pair = _numbers(left, right)
    if pair is not None:
        return _ORDER[how](*pair)
    if how is Compare.EQUAL or how is Compare.DIFFERENT:
        equal = left == right or {left, right} == {"n", ""}
        return equal is (how is Compare.EQUAL)
    return "n" not in (left, right) and _ORDER[how]((left > right) - (left < right), 0)


def _numbers(left: str, right: str) -> tuple[int, int] | None:
    if left in _TRISTATE and right in _TRISTATE:
        return _TRISTATE[left], _TRISTATE[right]
    if all(_NUMBER.fullmatch(each) and len(each) <= _MAX_DIGITS for each in (left, right)):
        return _number(left), _number(right)
    return None


def _number(text: str) -> int:
    return int(text, 16 if text.lower().lstrip("-").startswith("0x") else 10)
