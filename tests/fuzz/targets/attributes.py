# SPDX-License-Identifier: Apache-2.0
"""Build attributes: the bytes of the section alone, held against those of a base image.

The first byte chooses the machine.
"""

from __future__ import annotations

from functools import cache

from tests.fuzz.mutate import mutated
from tests.fuzz.objects import Kind, attributes, base, kinds, machine
from tests.fuzz.target import Target, attempt
from tests.support.elfbuild import Sec, elf
from west_llext.base.abi import abi_findings, abi_of
from west_llext.elf.headers import headers
from west_llext.model.base import Abi


def seeds() -> dict[str, bytes]:
    """What compilers write, for every machine, and what says nothing."""
    return {
        each.label: bytes([number]) + (attributes(each) or b"A")
        for number, each in enumerate(kinds())
    }


def run(data: bytes) -> bool:
    """Read the attributes, judge them, and derive the processor from them."""
    known = kinds()
    kind = known[data[0] % len(known)] if data else known[0]
    content = elf(
        machine=kind.machine,
        bits=kind.bits,
        little=kind.little,
        flags=kind.flags,
        sections=[Sec(name=".attributes", type=0x70000003, flags=0, content=data[1:], align=1)],
    )
    found = attempt(lambda: abi_of(headers(content, "unit.o")), ["L002"])
    if found is None:
        return False
    for ours, theirs in ((found, _base(kind)), (_base(kind), found), (found, found)):
        assert all(str(each) for each in abi_findings("unit.o", ours, "base.elf", theirs))
    linker = machine(kind)
    if linker is not None:
        linker.core(found.ident, found.attributes)
    return True


@cache
def _base(kind: Kind) -> Abi:
    return abi_of(headers(base(kind), "base.elf"))


TARGET = Target(name="attributes", seeds=seeds, run=run, mutate=mutated, longest=1 << 12)
