# SPDX-License-Identifier: Apache-2.0
"""What a base image exports, as a JSON file says it.

Either an object of names and addresses, or one that has such an object as `symbols`, and beside it
what else is known: `heap` (`addr`, `size`) and `struct_llext_size`. Addresses are numbers, or text
such as `"0x44a7"`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, NoReturn

from west_llext.app.load_settings import Offered
from west_llext.diagnostics import Diagnostic, LlextError, Span
from west_llext.elf.read import file_content

_LIMIT = 1 << 64


def base_symbols(path: Path) -> Offered:
    """The contents of the file.

    Raises MissingError (L001) where it can't be read, LlextError (L032) where it is no such file.
    """
    name = path.as_posix()
    try:
        document = json.loads(file_content(path, name))
    except (ValueError, RecursionError) as err:
        what = getattr(err, "msg", None) or "it is no text, or nested too deeply"
        _refuse(name, f"'{name}' is no JSON: {what}")
    if not isinstance(document, dict):
        _refuse(name, f"'{name}' holds no object of names and addresses")
    inner = document.get("symbols")
    if not isinstance(inner, dict):
        return Offered(symbols=_addresses(name, document))
    heap, structure = document.get("heap"), document.get("struct_llext_size")
    return Offered(
        symbols=_addresses(name, inner),
        heap=_heap(name, heap) if isinstance(heap, dict) else None,
        structure=None if structure is None else _number(name, "struct_llext_size", structure),
    )


def _addresses(name: str, rows: Mapping[str, Any]) -> dict[str, int]:
    return {symbol: _number(name, symbol, value) for symbol, value in rows.items()}


def _heap(name: str, heap: Mapping[str, Any]) -> tuple[int, int]:
    return _number(name, "heap.addr", heap.get("addr")), _number(
        name, "heap.size", heap.get("size")
    )


def _number(name: str, key: str, value: Any) -> int:
    found = None
    if isinstance(value, int) and not isinstance(value, bool):
        found = value
    elif isinstance(value, str) and len(value) < 40:
        try:
            found = int(value, 0)
        except ValueError:
            found = None
    if found is None or not 0 <= found < _LIMIT:
        _refuse(name, f"'{key}' in '{name}' is {value!r:.60}, expected an address")
    return found


def _refuse(name: str, message: str) -> NoReturn:
    raise LlextError([Diagnostic(code="L032", at=Span(PurePath(name)), message=message)])
