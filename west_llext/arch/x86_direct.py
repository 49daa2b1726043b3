# SPDX-License-Identifier: Apache-2.0
"""References through a global offset table, made direct where the psABIs permit (x86, x86-64).

The instruction is known by its opcode and ModRM byte, right in front of the place. It keeps its
length, so that nothing moves:

    mov foo@GOT, %reg      lea foo, %reg, or mov $foo, %reg
    call *foo@GOT          addr32 call foo (addr16 on x86)
    jmp *foo@GOT           jmp foo; nop
    test %reg, foo@GOT     test $foo, %reg
    add foo@GOT, %reg      add $foo, %reg, and seven more like it

So are those that read the offset of a thread-local variable, which the link knows:

    mov foo@GOTTPOFF, %reg mov $foo@TPOFF, %reg
    add foo@GOTTPOFF, %reg lea foo@TPOFF(%reg), %reg, or add $foo@TPOFF, %reg

x86-64 psABI 1.0, "Optimize GOTPCRELX Relocations"; i386 psABI 1.1, "Optimize R_386_GOT32X";
ELF Handling For Thread-Local Storage 0.21, 5.2 and 5.5, "Initial Exec To Local Exec".
Opcodes: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, appendix A.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import replace
from enum import Enum

from west_llext.arch.got import with_table
from west_llext.arch.machine import Nearness
from west_llext.model.elf import SHF_ALLOC, ObjectFile, Relocation

#: (content of the section, relocation) to the relocation that takes its place; content may change.
#: None where everything stays.
Edit = Callable[[bytearray, Relocation], Relocation | None]


class _Kind(Enum):
    MOV = "mov"
    CALL = "call"
    JMP = "jmp"
    TEST = "test"
    BINARY = "add, or, adc, sbb, and, sub, xor, cmp"


_CALL, _JMP = 2, 4  # of FF: the middle bits of ModRM
_IMMEDIATE = {_Kind.MOV: 0xC7, _Kind.TEST: 0xF7, _Kind.BINARY: 0x81}
_REX_W, _REX_R = 8, 4


def edited(obj: ObjectFile, types: Container[int], edit: Edit) -> ObjectFile:
    """The object with relocations of these types edited, and the code in front of them."""
    sections, relocations = list(obj.sections), dict(obj.relocations)
    data = bytearray()
    for index, rows in obj.relocations.items():
        if not sections[index].flags & SHF_ALLOC or not any(row[2] in types for row in rows):
            continue
        content = bytearray(obj.content(index))
        made = [(edit(content, row) or row) if row[2] in types else row for row in rows]
        if made != list(rows):
            offset = len(obj.data) + len(data)
            sections[index] = sections[index]._replace(offset=offset)
            relocations[index] = made
            data += content
    if not data:
        return obj
    return replace(
        obj, data=obj.data + bytes(data), sections=tuple(sections), relocations=relocations
    )


def _kind(opcode: int, modrm: int) -> _Kind | None:
    # of an instruction whose operand in memory may be a word of the table
    if opcode == 0x8B:
        return _Kind.MOV
    if opcode == 0x85:
        return _Kind.TEST
    if opcode & 0xC7 == 0x03:
        return _Kind.BINARY
    if opcode == 0xFF:
        return {_CALL: _Kind.CALL, _JMP: _Kind.JMP}.get(modrm >> 3 & 7)
    return None


def _branch(content: bytearray, at: int, kind: _Kind) -> int:
    # a direct one in place of an indirect one; where its distance is
    if kind is _Kind.CALL:
        content[at - 2 : at] = b"\x67\xe8"
        return at
    content[at - 2 : at + 4] = b"\xe9\0\0\0\0\x90"
    return at - 1


def _immediate(content: bytearray, at: int, kind: _Kind) -> None:
    # the register and the address itself in place of the register and a word of memory
    opcode, register = content[at - 2], content[at - 1] >> 3 & 7
    extension = opcode & 0x38 if kind is _Kind.BINARY else 0
    content[at - 2] = _IMMEDIATE[kind]
    content[at - 1] = 0xC0 | extension | register


#: What an instruction can hold as it is, and need not count from where it is.
_CONSTANT = Nearness.LOW | Nearness.FIXED

R_X86_64_PC32, R_X86_64_PLT32, R_X86_64_GOTPCREL, R_X86_64_32, R_X86_64_32S = 2, 4, 9, 10, 11
R_X86_64_GOTPCRELX, R_X86_64_REX_GOTPCRELX = 41, 42
_LONG = frozenset({R_X86_64_GOTPCREL, R_X86_64_GOTPCRELX, R_X86_64_REX_GOTPCRELX})


def direct_64(obj: ObjectFile, near: Callable[[int], Nearness]) -> ObjectFile:
    """An x86-64 object without references through a table that need none."""
    return edited(obj, _LONG, lambda content, row: _edit_64(content, row, near))


def _edit_64(
    content: bytearray, row: Relocation, near: Callable[[int], Nearness]
) -> Relocation | None:
    at, symbol, number, addend = row
    prefix = number == R_X86_64_REX_GOTPCRELX
    if addend != -4 or not 2 + prefix <= at <= len(content) - 4:
        return None
    # relative to the instruction pointer: mod 0, r/m 5
    modrm = content[at - 1]
    kind = _kind(content[at - 2], modrm) if modrm & 0xC7 == 0x05 else None
    if kind is None:
        return None
    nearness = near(symbol)
    constant = number != R_X86_64_GOTPCREL and _CONSTANT in nearness
    if kind is _Kind.MOV and Nearness.NEAR in nearness and not constant:
        content[at - 2] = 0x8D
        return row._replace(type=R_X86_64_PC32)
    # a plain GOTPCREL may stand at another instruction than the one that these bytes look like
    if number == R_X86_64_GOTPCREL:
        return None
    if kind in {_Kind.CALL, _Kind.JMP}:
        near_enough = Nearness.NEAR in nearness
        return _jump_64(content, row, kind) if near_enough else None
    return _value_64(content, row, kind) if Nearness.LOW in nearness else None


def _jump_64(content: bytearray, row: Relocation, kind: _Kind) -> Relocation:
    return row._replace(offset=_branch(content, row.offset, kind), type=R_X86_64_PLT32)


def _value_64(content: bytearray, row: Relocation, kind: _Kind) -> Relocation:
    at = row.offset
    prefix = row.type == R_X86_64_REX_GOTPCRELX
    rex = content[at - 3] if prefix else 0
    _immediate(content, at, kind)
    if prefix:
        # the register is in the other field now, whose fourth bit is another one
        content[at - 3] = rex & ~_REX_R | (rex & _REX_R) >> 2
    return row._replace(type=R_X86_64_32S if rex & _REX_W else R_X86_64_32, addend=0)


R_X86_64_GOTTPOFF, R_X86_64_TPOFF32 = 22, 23


def prepared_64(obj: ObjectFile) -> ObjectFile:
    """An x86-64 object with offsets of thread-local variables in its instructions."""
    return edited(with_table(obj), frozenset({R_X86_64_GOTTPOFF}), _thread_64)


def _thread_64(content: bytearray, row: Relocation) -> Relocation | None:
    at = row.offset
    if row.addend != -4 or not 3 <= at <= len(content) - 4 or content[at - 1] & 0xC7 != 0x05:
        return None
    kind, register = _kind(content[at - 2], content[at - 1]), content[at - 1] >> 3 & 7
    rex = content[at - 3]
    if rex & ~_REX_R != 0x48 or content[at - 2] not in {0x8B, 0x03} or kind is None:
        return None
    extended = (rex & _REX_R) >> 2  # the register's fourth bit, as that of a base
    if kind is _Kind.MOV or register == 4:  # rsp and r12 can't be a base without SIB
        _immediate(content, at, kind)
        content[at - 3] = 0x48 | extended
    else:
        content[at - 3 : at] = bytes((rex | extended, 0x8D, 0x80 | register << 3 | register))
    return row._replace(type=R_X86_64_TPOFF32, addend=0)


R_386_32, R_386_PC32, R_386_GOT32, R_386_GOT32X = 1, 2, 3, 43
R_386_TLS_IE, R_386_TLS_GOTIE, R_386_TLS_LE = 15, 16, 17
_SHORT = frozenset({R_386_GOT32, R_386_GOT32X, R_386_TLS_IE, R_386_TLS_GOTIE})
_SUB = 0x2B


def direct_32(obj: ObjectFile) -> ObjectFile:
    """An i386 object without references through a table that need none."""
    return edited(with_table(obj), _SHORT, _edit_32)


def _edit_32(content: bytearray, row: Relocation) -> Relocation | None:
    at, _, number, addend = row
    if addend is not None or not 1 <= at <= len(content) - 4 or any(content[at : at + 4]):
        return None
    if number == R_386_TLS_IE and content[at - 1] == 0xA1:  # mov to eax, which has no ModRM
        content[at - 1] = 0xB8
        return row._replace(type=R_386_TLS_LE)
    modrm = content[at - 1]
    # an address alone, or one that a register is added to
    alone, based = modrm & 0xC7 == 0x05, modrm & 0xC0 == 0x80 and modrm & 7 != 4
    kind = _kind(content[at - 2], modrm) if at >= 2 and (alone or based) else None
    if kind is None or (number == R_386_GOT32 and (kind is not _Kind.MOV or alone)):
        return None
    if number in {R_386_TLS_IE, R_386_TLS_GOTIE}:
        return _thread_32(content, row, kind)
    if kind in {_Kind.CALL, _Kind.JMP}:
        place = _branch(content, at, kind)
        content[place : place + 4] = (-4).to_bytes(4, "little", signed=True)
        return row._replace(offset=place, type=R_386_PC32)
    _immediate(content, at, kind)
    return row._replace(type=R_386_32)


def _thread_32(content: bytearray, row: Relocation, kind: _Kind) -> Relocation | None:
    if content[row.offset - 2] not in {0x8B, 0x03, _SUB}:
        return None
    _immediate(content, row.offset, kind)
    return row._replace(type=R_386_TLS_LE)
