# SPDX-License-Identifier: Apache-2.0
"""Error numbers as the target's C library has them."""

from __future__ import annotations

from enum import IntEnum


class Errno(IntEnum):
    """Errors that the loader returns, negated (lib/libc/minimal/include/errno.h, and newlib's)."""

    ENOENT = 2
    ENOEXEC = 8
    ENOMEM = 12
    EFAULT = 14
    EBUSY = 16
    EEXIST = 17
    EINVAL = 22
    ENOSPC = 28
    ERANGE = 34
    ENODATA = 61
    ENOSYS = 88
    ENOTSUP = 134


def spelled(result: int) -> str:
    """A result as messages have it: `-8 (ENOEXEC)`."""
    try:
        return f"{result} ({Errno(-result).name})" if result < 0 else str(result)
    except ValueError:
        return str(result)
