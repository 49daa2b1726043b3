# SPDX-License-Identifier: Apache-2.0
"""Models of thread-local storage: what becomes local-exec, and what is refused.

The offsets of local-exec are in the tests of each machine.
"""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from support.cross import tool
from support.elfbuild import TLS, Sym
from support.linking import Case, Outcome, extension, offer
from support.oracle import equal_in

from west_llext.elf.read import object_file
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

pytestmark = pytest.mark.cross

WHERE = {Region.TEXT: 0x10000000}
BLOCK = [
    Sym(name="first", value=0, type=TLS, section=".tbss"),
    Sym(name="code", value=0x1A0, type=TLS, section=".tbss"),
]


class Machine(NamedTuple):
    """How its sources are assembled."""

    prefix: str
    flags: tuple[str, ...] = ()

    def assembled(self, folder: Path, source: str) -> bytes:
        """The object of an assembler source."""
        (folder / "unit.s").write_text(source, encoding="utf-8")
        command = [tool("as", self.prefix), *self.flags, "unit.s", "-o", "unit.o"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return (folder / "unit.o").read_bytes()


AARCH64 = Machine("aarch64-linux-gnu-")
X86 = Machine("x86_64-linux-gnu-", ("--32",))
X86_64 = Machine("x86_64-linux-gnu-", ("--64",))

INITIAL_AARCH64 = """
    adrp x0, :gottprel:code
    ldr x0, [x0, #:gottprel_lo12:code]
    adrp x17, :gottprel:first
    ldr x17, [x17, #:gottprel_lo12:first]
"""
INITIAL_X86 = """
    mov code@indntpoff, %eax
    mov code@indntpoff, %ecx
    add code@indntpoff, %edx
    mov first@gotntpoff(%ebx), %eax
    mov code@gotntpoff(%esi), %edi
    add code@gotntpoff(%ebx), %eax
    sub code@gotntpoff(%ebx), %ecx
"""
INITIAL_X86_64 = """
    mov code@gottpoff(%rip), %rax
    mov code@gottpoff(%rip), %r13
    add code@gottpoff(%rip), %rcx
    add first@gottpoff(%rip), %r9
    add code@gottpoff(%rip), %rsp
    add code@gottpoff(%rip), %r12
"""


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    ("machine", "source"),
    [(AARCH64, INITIAL_AARCH64), (X86, INITIAL_X86), (X86_64, INITIAL_X86_64)],
)
def test_the_initial_exec_model_becomes_local_exec(
    machine: Machine, source: str, mode: Mode, tmp_path: Path
) -> None:
    """The link knows the offset, and no word of a table is needed; as GNU ld does it."""
    made, _ = equal_in(mode, tmp_path, machine.assembled(tmp_path, source), BLOCK, where=WHERE)
    assert made.linked.left == {}


def linked(content: bytes) -> Outcome:
    """The object, prelocated."""
    ident = object_file(content, "demo.o").ident
    case = Case(extension=extension(mode=Mode.PRELOCATED), base=offer(BLOCK, ident=ident))
    return case.link(content, "demo.o")


def test_an_offset_that_is_loaded_to_another_register_is_moved_whole(tmp_path: Path) -> None:
    """GNU ld would keep only the lower half of it; up to 2^16 there is no upper half."""
    source = "adrp x3, :gottprel:code\nldr x17, [x3, #:gottprel_lo12:code]\n"
    made = linked(AARCH64.assembled(tmp_path, source + "ldr x5, :gottprel:first\n"))
    assert struct.unpack("<III", made.content(Region.TEXT)) == (
        0xD2A00003,  # movz x3, #0, lsl #16
        0xD2803611,  # movz x17, #0x1b0
        0xD2800205,  # movz x5, #16
    )


GENERAL = "of the general-dynamic model"
LOCAL = "of the local-dynamic model"
INITIAL = "of the initial-exec model, at an instruction that isn't"


@pytest.mark.parametrize(
    ("machine", "source", "place", "model"),
    [
        (AARCH64, "adrp x0, :tlsdesc:code", "TLSDESC_ADR_PAGE21 at 0x0", "through a descriptor"),
        (AARCH64, "adr x0, :tlsgd:code", "TLSGD_ADR_PREL21 at 0x0", GENERAL),
        (AARCH64, "adr x0, :tlsldm:code", "TLSLD_ADR_PREL21 at 0x0", LOCAL),
        (X86_64, "lea code@tlsgd(%rip), %rdi", "TLSGD at 0x3", GENERAL),
        (X86_64, "lea code@tlsld(%rip), %rdi", "TLSLD at 0x3", LOCAL),
        # a register of 32 bits can't hold the offset, which is negative
        (
            X86_64,
            "mov code@gottpoff(%rip), %eax",
            "GOTTPOFF at 0x2",
            f"{INITIAL} MOV or ADD of 64 bits",
        ),
        (X86, "lea code@tlsgd(,%ebx,1), %eax", "TLS_GD at 0x3", GENERAL),
        (
            X86,
            "cmp code@gotntpoff(%ebx), %eax",
            "TLS_GOTIE at 0x2",
            f"{INITIAL} MOV, ADD or SUB",
        ),
    ],
)
def test_another_model_is_refused_with_the_flag(
    machine: Machine, source: str, place: str, model: str, tmp_path: Path
) -> None:
    """R001, whole."""
    names = {AARCH64: "AARCH64", X86: "386", X86_64: "X86_64"}
    found = linked(machine.assembled(tmp_path, f"{source}\n")).findings
    assert [str(each) for each in found] == [
        (
            f"demo.o: error[R001]: R_{names[machine]}_{place.replace(' at ', ' at .text+')} "
            "against 'code' can't be used in an extension: thread-local storage "
            f"{model}\nhint: use the local-exec model (-ftls-model=local-exec) for variables of "
            "the base image"
        )
    ]
