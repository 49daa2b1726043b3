# SPDX-License-Identifier: Apache-2.0
"""`MEMORY.bin` and `MEMORY.hex`: what prelocated extensions put into a memory, for flash tools.

A .bin has no addresses, so it always begins at the first address of its memory, whatever is where:
a flash command with that address stays right when extensions come and go. Bytes that belong to
nobody are 0xff, as erased flash has them, and 0 in a memory that can be written. The zeros of .bss
are in it, unlike in images that objcopy makes: no start-up code would clear it. A .hex (Intel,
"Hexadecimal Object File Format Specification", revision A) has the used bytes, and the padding
between sections where that saves a record.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from west_llext.diagnostics import Diagnostic, LlextError
from west_llext.emit.budget import memory_at
from west_llext.model.link import Linked
from west_llext.model.manifest import Memory
from west_llext.record import record

#: Largest .bin that is made, and most bytes of all of one build: they are mostly filler.
MAX_BINARY = 1 << 28
#: Most bytes that a .hex is made of; its text is three times as long.
MAX_HEX = 1 << 26

_DATA, _END, _LINEAR_ADDRESS = 0, 1, 4
_ROW = 16
# Bytes of a full data record: count, address (2), type, data, checksum.
_RECORD = 4 + _ROW + 1
# Fewer bytes are as fast one record after the other.
_WORTH_COLUMNS = 64 * _ROW


class Chunk(NamedTuple):
    """Bytes at an address: the content, and behind it so many zeros, which files don't have."""

    address: int
    content: bytes
    zeros: int = 0


@record(frozen=True, slots=True, kw_only=True)
class RawImage:
    """What is in a memory at start.

    chunks: sorted by address, not empty, none overlaps another
    """

    memory: Memory
    chunks: tuple[Chunk, ...]

    @property
    def filler(self) -> bytes:
        """The byte that belongs to nobody."""
        return b"\0" if "w" in self.memory.access else b"\xff"


def chunks(linked: Linked) -> tuple[Chunk, ...]:
    """What one extension brings: its sections with an address."""
    return tuple(
        Chunk(section.address, section.content, section.size - len(section.content))
        for section in linked.sections
        if section.address is not None and section.size
    )


def images(memories: Sequence[Memory], found: Iterable[Chunk]) -> tuple[RawImage, ...]:
    """An image for each memory that has something in it, in the order of the manifest.

    Raises ValueError for chunks that overlap or leave their memory: they aren't placed.
    """
    by_memory: dict[str, list[Chunk]] = {memory.name: [] for memory in memories}
    for chunk in sorted(found):
        memory = memory_at(memories, chunk.address)
        if memory is not None:
            others = by_memory[memory.name]
            if (others and _end(others[-1]) > chunk.address) or _end(chunk) > memory.end:
                raise ValueError(f"a section at {chunk.address:#x} isn't placed")
            others.append(chunk)
    return tuple(
        RawImage(memory=memory, chunks=tuple(by_memory[memory.name]))
        for memory in memories
        if by_memory[memory.name]
    )


def binaries(found: Sequence[RawImage]) -> list[bytes]:
    """The .bin of each. Raises LlextError (O008) where they would be larger than MAX_BINARY."""
    total = 0
    for each in found:
        size = _size(each)
        total += size
        if size <= MAX_BINARY < total:
            raise LlextError([_too_many(each.memory, total)])
    return [*map(binary, found)]


def binary(image: RawImage) -> bytes:
    """The .bin. Raises LlextError (O008) where it would be larger than MAX_BINARY."""
    memory, size = image.memory, _size(image)
    if size > MAX_BINARY:
        raise LlextError([_too_large(image, size)])
    content = bytearray(image.filler) * size
    for address, data, _ in image.chunks:
        offset = address - memory.address
        content[offset : offset + len(data)] = data
    return bytes(content)


def intel_hex(image: RawImage) -> str | None:
    """The .hex; None where an address needs more than the 32 bits that the format has.

    None, too, where it would be made of more than MAX_HEX bytes.
    """
    used = sum(len(each.content) + each.zeros for each in image.chunks)
    if _end(image.chunks[-1]) > 1 << 32 or used > MAX_HEX:
        return None
    lines = []
    high = None
    for address, data, _ in _pages(_joined(image.chunks, image.filler)):
        if high != address >> 16:
            high = address >> 16
            lines.append(_record(0, _LINEAR_ADDRESS, high.to_bytes(2, "big")))
        lines += _data_records(address & 0xFFFF, data)
    lines.append(_record(0, _END, b""))
    return "\n".join(lines) + "\n"


def _size(image: RawImage) -> int:
    return _end(image.chunks[-1]) - image.memory.address


def _end(chunk: Chunk) -> int:
    return chunk.address + len(chunk.content) + chunk.zeros


def _joined(found: Sequence[Chunk], filler: bytes) -> Iterator[Chunk]:
    """Chunks with less than a record between them as one."""
    start = end = found[0].address
    parts: list[bytes] = []
    for chunk in found:
        if chunk.address - end < _ROW:
            parts.append(filler * (chunk.address - end))
        else:
            yield Chunk(start, b"".join(parts))
            start, parts = chunk.address, []
        parts += [chunk.content, bytes(chunk.zeros)]
        end = _end(chunk)
    yield Chunk(start, b"".join(parts))


def _pages(found: Iterable[Chunk]) -> Iterator[Chunk]:
    """Chunks cut where the upper half of the address changes."""
    for address, content, _ in found:
        offset = 0
        while offset < len(content):
            size = 0x10000 - (address + offset & 0xFFFF)
            yield Chunk(address + offset, content[offset : offset + size])
            offset += size


def _data_records(address: int, data: bytes) -> list[str]:
    """Records for data that doesn't cross a page; all but the last hold 16 bytes."""
    full = len(data) - len(data) % _ROW if len(data) >= _WORTH_COLUMNS else 0
    lines = [_full_records(address, data[:full])] if full else []
    lines += [
        _record(address + offset, _DATA, data[offset : offset + _ROW])
        for offset in range(full, len(data), _ROW)
    ]
    return lines


def _record(address: int, kind: int, data: bytes) -> str:
    body = bytes([len(data), address >> 8, address & 0xFF, kind, *data])
    return ":" + (body + bytes([-sum(body) & 0xFF])).hex().upper()


def _full_records(address: int, data: bytes) -> str:
    """Lines of 16 bytes each; made column by column, ten times as fast as line by line."""
    count = len(data) // _ROW
    addresses = array("H", range(address, address + len(data), _ROW)).tobytes()
    low, high = addresses[0::2], addresses[1::2]
    if array("H", [1]).tobytes()[0] == 0:
        low, high = high, low
    columns = [bytes([_ROW]) * count, high, low, bytes(count)]
    columns += [data[offset::_ROW] for offset in range(_ROW)]
    columns.append(_negated_sums(columns))
    records = bytearray(_RECORD * count)
    for offset, column in enumerate(columns):
        records[offset::_RECORD] = column
    return ":" + records.hex("\n", _RECORD).upper().replace("\n", "\n:")


def _negated_sums(columns: Sequence[bytes]) -> bytes:
    """What has to be added to each row to make its sum 0 modulo 256."""
    size = len(columns[0])
    low_bits = int.from_bytes(b"\x7f" * size, "little")
    total = 0
    for column in columns:
        # Add all bytes at once: seven bits of each with room for the carry, the top bit apart.
        value = int.from_bytes(column, "little")
        total = (total & low_bits) + (value & low_bits) ^ (total ^ value) & ~low_bits
    return total.to_bytes(size, "little").translate(bytes(-byte & 0xFF for byte in range(256)))


def _too_large(image: RawImage, size: int) -> Diagnostic:
    memory = image.memory
    used = size - (image.chunks[0].address - memory.address)
    return Diagnostic(
        code="O008",
        at=memory.at,
        message=(
            f"raw image of memory '{memory.name}' would have {size} bytes,"
            f" more than {MAX_BINARY >> 20} MiB: it begins at {memory.address:#x}"
        ),
        hint="let the memory begin where its first extension is placed"
        if used <= MAX_BINARY
        else "divide the memory: each part has an image of its own",
    )


def _too_many(memory: Memory, size: int) -> Diagnostic:
    return Diagnostic(
        code="O008",
        at=memory.at,
        message=f"raw images up to that of memory '{memory.name}' would have {size} bytes together,"
        f" more than {MAX_BINARY >> 20} MiB",
        hint="let the memories begin where their first extensions are placed",
    )
