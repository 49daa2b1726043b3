# SPDX-License-Identifier: Apache-2.0
"""Relocation sections, and what symbols stand for (subsys/llext/llext_link.c)."""

from __future__ import annotations

from collections.abc import Callable

from west_llext.loader.danger import OUTSIDE, Danger, outside, unknown
from west_llext.loader.errnos import Errno
from west_llext.loader.extension import MAX_DEPENDENCIES, Llext
from west_llext.loader.headers import ET_DYN, SHF_ALLOC, SHF_TLS, SHT_REL, SHT_RELA, Header
from west_llext.loader.loading import Failed, Loading, Rela, Sym
from west_llext.loader.symbols import section_at
from west_llext.loader.target import Machine
from west_llext.loader.wording import alternate, signed

SHN_UNDEF, SHN_LORESERVE, SHN_ABS = 0, 0xFF00, 0xFFF1
#: What the names of devices start with.
DEVICE = b"__device_"

#: Names of relocation sections whose offsets are addresses, on Xtensa.
PLT = (b".rela.plt\0", b".rela.dyn\0")

#: Applies a relocation section; returns 0 or an error.
LinkSection = Callable[[Loading, Header, Header | None], int]
#: Applies one relocation of a section; returns 0 or an error.
Relocate = Callable[[Loading, Rela, Header], int]


def link(load: Loading, relocate: Relocate, link_plt: LinkSection) -> None:
    """Apply every relocation section of the file, in its order.

    link_plt: Xtensa's way
    """
    first = 0
    for index in range(load.ext.sect_cnt):
        header = load.headers[index]
        if header.type not in (SHT_REL, SHT_RELA) or not _sound(load, header, index):
            continue
        load.reserve(header.size // header.entsize)
        if load.target.machine is Machine.XTENSA:
            found = link_plt(load, header, _plt_target(load, header))
            if found:
                raise Failed(found)
            continue
        if load.target.rules.one_image and load.hdr.type == ET_DYN:
            _dynamic(load, relocate, header)
            continue
        found = _section(load, relocate, header)
        first = first or found
    if first:
        raise Failed(first)


def _sound(load: Loading, header: Header, index: int) -> bool:
    explicit = header.type == SHT_RELA
    if explicit and load.target.machine is Machine.ARM:
        load.fail(Errno.ENOTSUP, f"Found unsupported SHT_RELA section {index}")
    form = load.forms.rela if explicit else load.forms.rel
    bits = load.target.bits
    if header.entsize != form.size:
        kind = "SHT_RELA" if explicit else "SHT_REL"
        load.fail(
            Errno.ENOEXEC,
            f"Invalid entry size {signed(header.entsize, bits)} for {kind} section {index}",
        )
    if header.info >= load.ext.sect_cnt or header.size % header.entsize:
        load.fail(
            Errno.ENOEXEC,
            f"Sanity checks failed for section {index} (info {signed(header.info, bits)}, "
            f"size {signed(header.size, bits)}, entsize {signed(header.entsize, bits)})",
        )
    return True


def _section(load: Loading, relocate: Relocate, header: Header) -> int:
    # the first error where all are collected, else 0; the first error is raised otherwise
    target = load.headers[header.info]
    if not target.flags & SHF_ALLOC:
        return 0
    if load.ext.sect_map[header.info] == load.target.mem.count:
        load.fail(
            Errno.ENOEXEC,
            f"Section {signed(header.info, 32)} not loaded in any memory region",
        )
    first = 0
    for index in range(header.size // header.entsize):
        rel = relocation(load, header, index)
        if load.target.rules.checks_places and rel.offset >= target.size:
            load.fail(
                Errno.ENOEXEC,
                f"relocation r_offset {alternate(rel.offset)} out of section "
                f"{signed(header.info, 32)} (size {alternate(target.size)})",
            )
        result = relocate(load, rel, header)
        load.work.relocated += 1
        if result and not load.target.rules.collects_errors:
            raise Failed(result)
        first = first or result
    return first


def _plt_target(load: Loading, header: Header) -> Header | None:
    name = load.section_name(header)
    if name is not None and any(
        load.memory.starts_with(name, each, "the name of a section") for each in PLT
    ):
        return None
    return load.headers[header.info]


def _dynamic(load: Loading, relocate: Relocate, header: Header) -> None:
    # offsets are addresses; the first error ends it (llext_link_dynamic)
    load.by_address = True
    for index in range(header.size // header.entsize):
        rel = relocation(load, header, index)
        if section_at(load, rel.offset) is None:
            load.fail(
                Errno.ENOEXEC,
                f"dynamic relocation {index} VMA {alternate(rel.offset)} is not in a loaded "
                "section",
            )
        result = relocate(load, rel, header)
        load.work.relocated += 1
        if result:
            raise Failed(result)
    load.by_address = False


def relocation(load: Loading, header: Header, index: int) -> Rela:
    """An entry of a relocation section."""
    form = load.forms.rela if header.type == SHT_RELA else load.forms.rel
    place = header.offset + index * form.size
    fields = form.unpack(load.fetch(place, form.size, f"relocation {index}"))
    return Rela(fields[0], fields[1], fields[2] if len(fields) == 3 else None)


def symbol_index(load: Loading, rel: Rela) -> int:
    """ELF_R_SYM."""
    return rel.info >> (8 if load.target.bits == 32 else 32)


def read_symbol(load: Loading, rel: Rela) -> Sym:
    """The symbol of a relocation, which the loader doesn't look for in its table."""
    index = symbol_index(load, rel)
    table = load.sects[load.target.mem.symtab]
    count = table.size // load.forms.symbol.size
    if index >= count:
        raise Danger(
            OUTSIDE,
            f"a relocation of place {rel.offset:#x} names symbol {index}, there are {count}: "
            "the loader would take what lies behind the table for one",
        )
    return load.symbol(index, f"symbol {index}")


def lookup(load: Loading, rel: Rela, sym: Sym, name: int | None, header: Header) -> tuple[int, int]:
    """Result and address of a relocation's symbol (llext_lookup_symbol)."""
    if symbol_index(load, rel) == 0:
        return 0, 0
    if sym.shndx == SHN_UNDEF:
        return _undefined(load, rel, sym, name, header)
    if sym.shndx == SHN_ABS:
        return 0, sym.value
    if sym.shndx < load.hdr.shnum and sym.shndx < SHN_LORESERVE:
        return _defined(load, sym)
    if load.target.rules.in_arch:
        load.log.err(
            "cannot apply relocation: target symbol has unexpected section index "
            f"{sym.shndx} ({alternate(sym.shndx)})"
        )
    else:
        section, entry = load.entry
        load.log.err(
            f"rela section {section}, entry {entry}: cannot apply relocation: target symbol has "
            f"unexpected section index {sym.shndx} (0x{sym.shndx:X})"
        )
    return -Errno.ENOEXEC, 0


def _undefined(
    load: Loading, rel: Rela, sym: Sym, name: int | None, header: Header
) -> tuple[int, int]:
    text = _needed(name)
    address = load.world.base_symbol(text, sym.value, load.work)
    if address:
        _note_import(load, rel)
    elif load.target.rules.shares_exports:
        address, provider = find_extension_symbol(load, text)
        if provider is not None:
            add_dependency(load.ext, provider)
    if address:
        return 0, address
    shown = load.shown(text, "the name of a symbol")
    load.log.err(
        f"Undefined symbol with no entry in symbol table {shown}, "
        f"offset {signed(rel.offset, load.target.bits)}, link section {signed(header.link, 32)}"
    )
    rules = load.target.rules
    if rules.device_warning and not load.target.devices and shown.startswith(DEVICE.decode()):
        load.log.wrn(
            "(Device objects are not available for import because "
            "CONFIG_LLEXT_EXPORT_DEVICES is not enabled)"
        )
    return -Errno.ENODATA, 0


def _note_import(load: Loading, rel: Rela) -> None:
    kind = rel.info & (0xFF if load.target.bits == 32 else 0xFFFFFFFF)
    key = symbol_index(load, rel), kind
    load.work.imports[key] = load.work.imports.get(key, 0) + 1


def _needed(name: int | None) -> int:
    if name is None:
        outside("a symbol that is looked up has its name outside of the string table")
    return name


def _defined(load: Loading, sym: Sym) -> tuple[int, int]:
    rules = load.target.rules
    if load.region is not None:
        return 0, load.section_pointer(sym.shndx) + sym.value & load.target.mask
    header = load.headers[sym.shndx]
    if rules.skips_tls and header.flags & SHF_TLS:
        return 0, sym.value
    base = load.section_pointer(sym.shndx)
    if not base and rules.checks_unloaded:
        load.log.err(f"cannot apply relocation: symbol section {sym.shndx} is not loaded")
        return -Errno.ENOEXEC, 0
    address = base + sym.value & load.target.mask
    if rules.one_image and load.hdr.type == ET_DYN and load.target.machine is not Machine.XTENSA:
        if sym.value < header.addr:
            load.log.err(
                f"ET_DYN symbol value {alternate(sym.value)} is below section VMA "
                f"{alternate(header.addr)}"
            )
            return -Errno.ENOEXEC, 0
        address = address - header.addr & load.target.mask
    return 0, address


def find_extension_symbol(load: Loading, name: int) -> tuple[int, Llext | None]:
    """Address of what another extension exports, and which one."""
    for each in load.world.extensions():
        for entry in each.exp_tab:
            if load.world.same_text(entry.name, name, load.work):
                if entry.addr:
                    return entry.addr, each
                break
    return 0, None


def add_dependency(ext: Llext, on: Llext) -> bool:
    """Note that an extension uses another; False where there is no room for one more."""
    if on in ext.dependency:
        return True
    if len(ext.dependency) == MAX_DEPENDENCIES:
        return False
    ext.dependency.append(on)
    on.use_count = on.use_count + 1 & 0xFFFFFFFF
    return True


def place(load: Loading, rel: Rela, header: Header) -> int:
    """Address that a relocation is for."""
    start = load.section_pointer(header.info)
    return start + rel.offset & load.target.mask


def addend(rel: Rela) -> int:
    """The explicit addend; a REL entry has none, and older memory is taken for it."""
    if rel.addend is None:
        unknown(
            "an entry of an SHT_REL section has no addend, and the loader would take what "
            "happens to lie in its place"
        )
    return rel.addend
