# SPDX-License-Identifier: Apache-2.0
"""Which relative paths can be written in an output folder, on every system alike.

A path that one system would take and another would not is refused on all of them, so that a build
does not depend on the machine that ran it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

#: Folder inside the output folder that is ours: lock, record of outputs, files under way.
STATE_FOLDER = ".west-llext"

#: Bytes of one path component in UTF-8; ext4, APFS and NTFS allow 255, a suffix may be added.
MAX_COMPONENT = 200

# "Naming Files, Paths, and Namespaces" (Win32): these are devices, whatever extension follows.
_DEVICES = frozenset(["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]) | frozenset(
    f"{port}{digit}" for port in ("COM", "LPT") for digit in "0123456789¹²³"
)
_FORBIDDEN = frozenset('<>:"|?*\\\x7f') | {chr(code) for code in range(32)}


def path_problem(path: str) -> str | None:
    """What is wrong with a relative path with forward slashes, or None: `leaves the folder`."""
    if _plain().fullmatch(path):
        return None
    components = path.split("/")
    problems = [_path_problem(path, components), *map(_component_problem, components)]
    return next(filter(None, problems), None)


def same_file_key(path: str) -> str:
    """Equal for paths that some system takes for one file: case and Unicode form don't count."""
    return path.lower() if path.isascii() else _same_file_key(path)


def _same_file_key(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKD", path).casefold())


@cache
def _plain() -> re.Pattern[str]:
    # The usual case in one match: build trees have thousands of these.
    device = r"(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:[./]|\Z))"
    part = device + r"[a-z0-9_][a-z0-9_+-]{0,60}(?:\.[a-z0-9_+-]{1,40}){0,3}"
    return re.compile(rf"{part}(?:/{part})*", re.IGNORECASE | re.ASCII)


def _path_problem(path: str, components: list[str]) -> str | None:
    if not path:
        return "is empty"
    if path.startswith("/"):
        return "is absolute"
    if re.match(r"[A-Za-z]:", path):
        return f"has the drive letter '{path[:2]}'"
    if ".." in components:
        return "leaves the output folder"
    if same_file_key(components[0]) == STATE_FOLDER:
        return f"is in '{STATE_FOLDER}', which the tool keeps for itself"
    return None


def _component_problem(component: str) -> str | None:
    size = len(component.encode("utf-8", "replace"))
    bad = "".join(sorted(_FORBIDDEN.intersection(component)))[:1]
    surrogate = any("\ud800" <= character <= "\udfff" for character in component)
    device = component.partition(".")[0].rstrip().upper() in _DEVICES
    rules = (
        (not component, "has an empty component"),
        (component == ".", "has the component '.'"),
        (bad, f"holds the character {bad!r}, which some systems don't allow"),
        (surrogate, "isn't valid Unicode"),
        (component[-1:] in {".", " "}, f"has the component '{component}' with a dot or space last"),
        (size > MAX_COMPONENT, f"has a component of {size} bytes, more than {MAX_COMPONENT}"),
        (device, f"has the component '{component}', which is a device on Windows"),
    )
    return next((text for applies, text in rules if applies), None)
