# SPDX-License-Identifier: Apache-2.0
"""Which function relocates for which machine."""

from __future__ import annotations

from west_llext.loader.errnos import Errno
from west_llext.loader.headers import Header
from west_llext.loader.link import Relocate
from west_llext.loader.loading import Loading, Rela
from west_llext.loader.machines import arc, arm, arm64, riscv, x86
from west_llext.loader.target import Machine


def unsupported(load: Loading, rel: Rela, header: Header) -> int:  # noqa: ARG001  # as the others
    """The function of a processor without an `elf.c`."""
    return -Errno.ENOTSUP


RELOCATE: dict[Machine, Relocate] = {
    Machine.ARM: arm.relocate,
    Machine.RISCV: riscv.relocate,
    Machine.ARM64: arm64.relocate,
    Machine.X86: x86.relocate,
    Machine.ARC: arc.relocate,
    Machine.XTENSA: unsupported,  # has a way of its own
    Machine.OTHER: unsupported,
}
