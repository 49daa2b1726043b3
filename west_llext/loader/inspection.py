# SPDX-License-Identifier: Apache-2.0
"""What can be asked of a file that was loaded (include/zephyr/llext/inspect.h, llext.h).

Names are those of the functions, without `llext_`. Results below 0 are errors, as there.
"""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

from west_llext.loader.errnos import Errno
from west_llext.loader.extension import Llext
from west_llext.loader.headers import SHF_EXECINSTR, SHT_PROGBITS, Header
from west_llext.loader.loading import Loading
from west_llext.loader.storage import ElfLoader


class RegionInfo(NamedTuple):
    """A region: its header as the loader made it, its address and its size."""

    header: Header
    address: int
    size: int


class SectionInfo(NamedTuple):
    """A section: its header, its region (-1 for none) and its offset in it."""

    header: Header
    region: int
    offset: int


class Inspection:
    """Looks into a file; lives as long as the loader's structures would.

    Older releases have a part of it: sections by name since 3.6, the rest since 4.1.
    """

    __slots__ = ("_load",)

    def __init__(self, load: Loading) -> None:
        """`load` is over."""
        self._load = load

    @property
    def machine(self) -> int:
        """What the file says of its processor (e_machine)."""
        return self._load.hdr.machine

    @property
    def headers(self) -> list[Header]:
        """All section headers (llext_section_headers)."""
        early = self._load.early
        return early or [*islice(self._load.headers, self._load.ext.sect_cnt)]

    @property
    def prog_data_size(self) -> int:
        """Bytes of the file from the first data section to the end of the last.

        A member of `struct llext_loader` until 3.6; where there are no data, it is 1 there, too.
        """
        mask = self._load.target.mask
        high, low = Header(), Header(offset=mask)
        for each in self.headers:
            if each.type == SHT_PROGBITS and not each.flags & SHF_EXECINSTR:
                high = each if each.offset > high.offset else high
                low = each if each.offset < low.offset else low
        return high.size + high.offset - low.offset & mask

    def find_section(self, loader: ElfLoader, name: str) -> int:
        """Offset of a section in the file; -ENOTSUP where it can't be peeked at."""
        load, wanted = self._load, name.encode() + b"\0"
        form = load.forms.section
        names = load.sects[load.target.mem.shstrtab].offset
        for index in range(load.hdr.shnum):
            place = loader.peek(load.hdr.shoff + index * load.hdr.shentsize)
            if place is None:
                return -Errno.ENOTSUP
            raw = load.memory.read(place, form.size, f"section header {index}")
            header = Header(*form.unpack(raw))
            text = loader.peek(names + header.name)
            if text is not None and load.memory.starts_with(text, wanted, "a section's name"):
                return header.offset
        return -Errno.ENOENT

    def section_shndx(self, name: str) -> int:
        """Number of a section; the first, which has no name, isn't looked at."""
        load, wanted = self._load, name.encode() + b"\0"
        for index in range(1, load.ext.sect_cnt):
            text = load.section_name(load.headers[index])
            if text is not None and load.memory.starts_with(text, wanted, "a section's name"):
                return index
        return -Errno.ENOENT

    def get_section_header(self, name: str) -> Header | int:
        """Header of a section by name."""
        number = self.section_shndx(name)
        return number if number < 0 else self._load.headers[number]

    def get_region_info(self, region: int) -> RegionInfo | int:
        """What is known of a region."""
        ext = self._load.ext
        if not 0 <= region < self._load.target.mem.count:
            return -Errno.EINVAL
        return RegionInfo(self._load.sects[region], ext.mem[region], ext.mem_size[region])

    def get_section_info(self, number: int) -> SectionInfo | int:
        """Where a section went; needs the section map (keep_section_info)."""
        ext: Llext = self._load.ext
        if not 0 <= number < ext.sect_cnt:
            return -Errno.EINVAL
        if not ext.sect_map_address:
            return -Errno.ENOTSUP
        region = ext.sect_map[number]
        if region == self._load.target.mem.count:
            region = -1
        return SectionInfo(self._load.headers[number], region, ext.sect_offset[number])
