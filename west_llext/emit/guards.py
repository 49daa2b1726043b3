# SPDX-License-Identifier: Apache-2.0
"""Kconfig expressions as conditions of the C preprocessor.

The values of Kconfig are n, m and y (0, 1, 2); an expression holds where it isn't n. The headers
that Zephyr makes define `CONFIG_X` for y (or as its number) and `CONFIG_X_MODULE` for m, so that
"at least m" and "at least y" can each be asked with `defined`, and `!` swaps the two questions
(2 minus the value is at least m exactly where the value isn't y).

Everything is spelled anew from what was understood: no text of the expression is copied, save
names that are C identifiers.
"""

from __future__ import annotations

import re

from west_llext.diagnostics import Diagnostic, LlextError
from west_llext.model.manifest import Condition

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<operator> \|\| | && | != | <= | >= | [=<>!()])
    | (?P<text> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*')
    | (?P<number> -?(?:0[xX][0-9a-fA-F]+|[0-9]+)(?![A-Za-z0-9_]))
    | (?P<setting> CONFIG_[A-Za-z0-9_]+)
    | (?P<tristate> [nmy](?![A-Za-z0-9_]))
    )""",
    re.VERBOSE | re.ASCII,
)
_TRISTATE = {"n": 0, "m": 1, "y": 2}
_M, _Y = 1, 2
_C_OPERATOR = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_MAX_DEPTH = 50

_Token = tuple[str, str]
_END: _Token = ("end", "")


def preprocessor_guard(condition: Condition) -> str:
    """What stands behind `#if`; true in C exactly where the condition isn't n.

    Raises LlextError (O005) where the preprocessor can't tell, because it knows no types: texts,
    and comparisons of two settings.
    """
    reader = _Reader(condition)
    guard = reader.either(_M, 0)
    reader.expect(_END)
    return guard


class _Reader:
    def __init__(self, condition: Condition) -> None:
        self._condition = condition
        self._tokens: list[_Token] = []
        self._next = 0
        text = condition.text.rstrip()
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise self._refusal("it isn't a Kconfig expression")
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        self._tokens.append(_END)

    def either(self, least: int, depth: int) -> str:
        """An expression, asked whether it is at least `least`."""
        parts = [self._both(least, depth)]
        while self._took("||"):
            parts.append(self._both(least, depth))
        return " || ".join(parts)

    def expect(self, token: _Token) -> None:
        if self._tokens[self._next] != token:
            raise self._refusal("it isn't a Kconfig expression")
        self._next += token is not _END

    def _both(self, least: int, depth: int) -> str:
        parts = [self._negated(least, depth)]
        while self._took("&&"):
            parts.append(self._negated(least, depth))
        # parentheses, because compilers suggest them where && and || meet
        return f"({' && '.join(parts)})" if len(parts) > 1 else parts[0]

    def _negated(self, least: int, depth: int) -> str:
        count = 0
        while self._took("!"):
            count += 1
        if count % 2:
            least = _M + _Y - least
        if self._took("("):
            if depth == _MAX_DEPTH:
                raise self._refusal("it is nested too deeply")
            inner = f"({self.either(least, depth + 1)})"
            self.expect(("operator", ")"))
        else:
            inner = self._comparison(least)
        return f"!{inner}" if count % 2 else inner

    def _comparison(self, least: int) -> str:
        left = self._operand()
        how = self._tokens[self._next][1]
        if self._tokens[self._next][0] != "operator" or how not in _C_OPERATOR:
            return self._alone(left, least)
        self._next += 1
        right = self._operand()
        if left[0] != "setting":
            left, how, right = right, _MIRRORED[how], left
        match left[0], right[0]:
            case "setting", "number":
                return _number_comparison(left[1], how, self._number(right[1]))
            case "setting", "tristate":
                return _tristate_comparison(left[1], how, right[1])
            case _:
                raise self._refusal("in C, a setting can be compared with a number, y, m or n only")

    def _alone(self, operand: _Token, least: int) -> str:
        match operand[0]:
            case "setting":
                return _at_least(operand[1], least)
            case "tristate":
                return "1" if _TRISTATE[operand[1]] >= least else "0"
            case _:
                return "0"  # a number or text is n

    def _operand(self) -> _Token:
        token = self._tokens[self._next]
        if token[0] in {"operator", "end"}:
            raise self._refusal("it isn't a Kconfig expression")
        self._next += 1
        return token

    def _number(self, text: str) -> int:
        # Not as it stands: 010 is ten for Kconfig, eight for C.
        number = int(text, 16 if "x" in text.lower() else 10) if len(text) < 30 else 1 << 64
        if abs(number) >= 1 << 63:
            raise self._refusal(
                f"'{text[:30]}' doesn't fit in the 64 bits that the C preprocessor has"
            )
        return number

    def _took(self, text: str) -> bool:
        took = self._tokens[self._next] == ("operator", text)
        self._next += took
        return took

    def _refusal(self, reason: str) -> LlextError:
        shown = "".join(each if each.isprintable() else "?" for each in self._condition.text[:60])
        return LlextError(
            [
                Diagnostic(
                    code="O005",
                    at=self._condition.at,
                    message=f"'{shown}' can't be asked in C: {reason}",
                    hint="use a setting that depends on it, such as CONFIG_X",
                )
            ]
        )


def _at_least(setting: str, least: int) -> str:
    if least == _Y:
        return f"defined({setting})"
    return f"(defined({setting}) || defined({setting}_MODULE))"


def _tristate_comparison(setting: str, how: str, value: str) -> str:
    if how in {"=", "!="} and value != "m":
        positive = _at_least(setting, _Y if value == "y" else _M)
        return positive if (how == "=") == (value == "y") else f"!{positive}"
    state = f"(defined({setting}) ? 2 : defined({setting}_MODULE) ? 1 : 0)"
    return f"({state} {_C_OPERATOR[how]} {_TRISTATE[value]})"


def _number_comparison(setting: str, how: str, number: int) -> str:
    # A setting that isn't there differs from every number and is neither less nor greater.
    comparison = f"{setting} {_C_OPERATOR[how]} {number}"
    if how == "!=":
        return f"(!defined({setting}) || {comparison})"
    return f"(defined({setting}) && {comparison})"
