# SPDX-License-Identifier: Apache-2.0
"""A client for language servers, as small as a test needs it (Language Server Protocol 3.17)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

#: What the server gets where it asks for its configuration.
_CONFIGURATION = {
    "yaml": {"validate": True, "completion": True, "hover": True, "schemaStore": {"enable": False}},
}


class LanguageServer:
    """A running server that talks through its standard streams."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._last = 0
        self._diagnostics: dict[str, list[dict[str, Any]]] = {}
        capabilities = {
            "textDocument": {"publishDiagnostics": {}, "completion": {}, "hover": {}},
            "workspace": {"configuration": True},
        }
        parameters = {"processId": None, "rootUri": folder.as_uri(), "capabilities": capabilities}
        self.ask("initialize", parameters)
        self._tell("initialized", {})

    def __enter__(self) -> LanguageServer:  # noqa: PYI034  Python 3.10 has no Self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, method: str, parameters: dict[str, Any]) -> Any:
        """The result of a request."""
        self._last += 1
        self._send({"id": self._last, "method": method, "params": parameters})
        while True:
            message = self._received()
            if message.get("id") == self._last and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def opened(self, file: Path) -> list[dict[str, Any]]:
        """What the server finds in a file."""
        uri = file.as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": file.read_text("utf-8")}
        self._diagnostics.pop(uri, None)
        self._tell("textDocument/didOpen", {"textDocument": document})
        while uri not in self._diagnostics:
            self._received()
        return self._diagnostics[uri]

    def at(self, method: str, file: Path, line: int, column: int) -> Any:
        """The result of a request about a place; line and column count from 1."""
        place = {"line": line - 1, "character": column - 1}
        return self.ask(method, {"textDocument": {"uri": file.as_uri()}, "position": place})

    def _tell(self, method: str, parameters: dict[str, Any]) -> None:
        self._send({"method": method, "params": parameters})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _received(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        size = 0
        while line := self._process.stdout.readline().strip():
            name, value = line.split(b":")
            if name.lower() == b"content-length":
                size = int(value)
        assert size, "the server has ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(size))
        if message.get("method") == "textDocument/publishDiagnostics":
            found = message["params"]
            self._diagnostics[found["uri"]] = found["diagnostics"]
        elif "method" in message and "id" in message:
            self._send({"id": message["id"], "result": _answer(message)})
        return message


def _answer(request: dict[str, Any]) -> Any:
    if request["method"] == "workspace/configuration":
        return [_CONFIGURATION.get(each.get("section")) for each in request["params"]["items"]]
    return None
