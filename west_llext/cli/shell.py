# SPDX-License-Identifier: Apache-2.0
"""Commands as somebody would type them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from subprocess import list2cmdline


def command_line(words: Sequence[str]) -> str:
    """A command for this system's shell, in one line."""
    return list2cmdline(words) if os.name == "nt" else shlex.join(words)
