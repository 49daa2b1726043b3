# SPDX-License-Identifier: Apache-2.0
"""How build attributes are written, by machine.

AArch64, x86: property notes (Linux Extensions to gABI, ".note.gnu.property").

Arm: Addenda to, and Errata in, the ABI for the Arm Architecture, 2023Q3, "Representing build
attributes in ELF files" and "Coding extensibility and compatibility".
ARC: elf32_arc_obj_attrs_arg_type() of GNU binutils.
RISC-V: RISC-V ELF psABI 1.0, "Attributes": the same frame, the kind of value by parity alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from west_llext.record import record


@record(frozen=True, slots=True, kw_only=True)
class AttributeFormat:
    """Where a machine's attributes are and what kind of value a tag has.

    section_type: sh_type of the section
    vendor: name of the public subsection
    texts: tags below `parity_from` whose value is a string; the others there are numbers
    pairs: tags whose value is a number followed by a string
    parity_from: from this tag on, odd tags have strings and even ones numbers
    """

    section_type: int
    vendor: str
    texts: frozenset[int] = frozenset()
    pairs: frozenset[int] = frozenset()
    parity_from: int = 0


@record(frozen=True, slots=True, kw_only=True)
class TextNote:
    """Where a machine's note of lines is, and which lines count.

    section, owner: names of the section and of who wrote the note
    keys: number that stands for each key
    """

    section: str
    owner: bytes
    keys: Mapping[bytes, int]


#: By e_machine: Xtensa (gas/config/tc-xtensa.c of GNU binutils).
TEXT_NOTES: Mapping[int, TextNote] = {
    94: TextNote(
        section=".xtensa.info",
        owner=b"Xtensa_Info",
        keys={b"ABI": 1, b"USE_ABSOLUTE_LITERALS": 2},
    ),
}

#: By e_machine: Arm and RISC-V.
ATTRIBUTE_FORMATS: Mapping[int, AttributeFormat] = {
    40: AttributeFormat(
        section_type=0x70000003,  # SHT_ARM_ATTRIBUTES
        vendor="aeabi",
        texts=frozenset({4, 5}),  # Tag_CPU_raw_name, Tag_CPU_name
        pairs=frozenset({32}),  # Tag_compatibility
        parity_from=33,
    ),
    **{
        machine: AttributeFormat(
            section_type=0x70000001,  # SHT_ARC_ATTRIBUTES
            vendor="ARC",
            texts=frozenset({7, 16, 17}),  # Tag_ARC_CPU_name, ISA_config, ISA_apex
            parity_from=19,
        )
        for machine in (93, 195)
    },
    243: AttributeFormat(
        section_type=0x70000003,  # SHT_RISCV_ATTRIBUTES
        vendor="riscv",
    ),
}

#: Machines whose files say in property notes what they were built for, by e_machine, with the types
#: of the properties that hold bits: AArch64 (AAELF64, "Program Property"), x86 and x86-64 (x86-64
#: psABI 1.0, "Program Property").
PROPERTY_BITS: Mapping[int, frozenset[int]] = {
    183: frozenset({0xC0000000}),
    3: frozenset({0xC0000002, 0xC0008002}),
    62: frozenset({0xC0000002, 0xC0008002}),
}
