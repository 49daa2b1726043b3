# SPDX-License-Identifier: Apache-2.0
"""What the loader of each Zephyr release does differently: one table."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import lru_cache
from typing import NamedTuple

from west_llext.record import record


class Version(NamedTuple):
    """A Zephyr release."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


#: The newest rules that are known: those of the development branch after 4.5.
NEWEST = Version(4, 6)
#: The first release with a loader.
FIRST = Version(3, 5)
#: What is taken where nobody says; its rules have been compared with recorded results.
DEFAULT = Version(4, 3)

#: Releases that nobody has looked at, and those whose rules they get.
NEAR = {Version(3, 6): Version(3, 5), Version(4, 0): Version(4, 1)}
#: Those of them that differ from all that is known: names of any length, more relocations. What
#: fails by the rules that they get may be fine.
GUESSED = frozenset({Version(3, 6)})

_FORM = re.compile(r"v?(\d{1,3})\.(\d{1,3})(?:\.(\d{1,5}))?(?:[-+].*)?", re.ASCII)


def version(text: str) -> Version | None:
    """`4.3`, `v4.3.0`, `4.3.99` (on the way to 4.4), `main`; None for anything else."""
    if text == "main":
        return NEWEST
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    major, minor, patch = found.groups()
    return Version(int(major), int(minor) + (patch == "99"))


@record(frozen=True, slots=True, kw_only=True)
class Rules:
    """What one release does; each field is the release that first did it, in `SINCE`.

    by_flags: sections go into regions by their flags; before, by their names
    in_arch: symbols are looked up while a relocation is applied, which logs a line more
    shares_exports: extensions can use what others export
    checks_machine: byte order, class and machine are compared with the target's
    checks_table: entries of the symbol table must have their size
    names_checked_first: a pass over all section names before sections are mapped
    names_checked_late: section names are checked while sections are mapped
    bounded_names: names of symbols are checked against the string table at every use
    any_table_order: the last symbol table counts, its strings may lie anywhere
    shared_strings: one table may hold the names of symbols and of sections
    loose_arrays: function arrays may have an entry size of 0
    skips_tls: thread-local sections aren't loaded
    skips_padding: `.relro_padding`, `.heap` and `.stack` aren't loaded
    checks_detached: a detached section must be one that can be peeked at
    checks_alignment: alignments that are no power of two are refused
    checks_targets: relocation sections must name a section that exists
    checks_places: relocations must start inside of their section
    checks_unloaded: symbols of sections that aren't loaded can't be relocated against
    checks_symbols: global functions and objects must be in a section that exists
    collects_errors: every relocation that fails is reported, the first decides the result
    sorted_tables: tables of symbols are sorted, and searched by halves
    device_warning: says that devices aren't exported where one is missing
    exact_protection: memory protection costs alignment only where there are user threads
    any_pair: RISC-V PCREL_LO12 finds its PCREL_HI20 anywhere in the section
    exact_overflow: AArch64 finds every overflow of a field
    tls_offsets: Arm applies R_ARM_TLS_LE32
    tls_arm64: AArch64 applies local-exec relocations
    one_image: a shared object is loaded as one piece, dynamic relocations are applied
    plt_errors: Xtensa fails where it can't link
    bounded_peek: a buffer can't be peeked at behind its end
    clamped_heap: a request beyond the heap's size is refused in time
    """

    by_flags: bool
    in_arch: bool
    shares_exports: bool
    checks_machine: bool
    checks_table: bool
    names_checked_first: bool
    names_checked_late: bool
    bounded_names: bool
    any_table_order: bool
    shared_strings: bool
    loose_arrays: bool
    skips_tls: bool
    skips_padding: bool
    checks_detached: bool
    checks_alignment: bool
    checks_targets: bool
    checks_places: bool
    checks_unloaded: bool
    checks_symbols: bool
    collects_errors: bool
    sorted_tables: bool
    device_warning: bool
    exact_protection: bool
    any_pair: bool
    exact_overflow: bool
    tls_offsets: bool
    tls_arm64: bool
    one_image: bool
    plt_errors: bool
    bounded_peek: bool
    clamped_heap: bool


#: For each rule the release that has it first, and the one that drops it again, if any.
SINCE: dict[str, tuple[Version, Version | None]] = {
    "by_flags": (Version(3, 7), None),
    "in_arch": (Version(4, 0), None),
    "shares_exports": (Version(4, 0), None),
    "checks_machine": (Version(4, 6), None),
    "checks_table": (Version(4, 3), None),
    "names_checked_first": (Version(4, 3), Version(4, 5)),
    "names_checked_late": (Version(4, 5), None),
    "bounded_names": (Version(4, 5), None),
    "any_table_order": (Version(4, 5), None),
    "shared_strings": (Version(4, 5), None),
    "loose_arrays": (Version(4, 5), None),
    "skips_tls": (Version(4, 5), None),
    "skips_padding": (Version(4, 6), None),
    "checks_detached": (Version(4, 5), None),
    "checks_alignment": (Version(4, 6), None),
    "checks_targets": (Version(4, 5), None),
    "checks_places": (Version(4, 5), None),
    "checks_unloaded": (Version(4, 5), None),
    "checks_symbols": (Version(4, 5), None),
    "collects_errors": (Version(4, 5), None),
    "sorted_tables": (Version(4, 5), None),
    "device_warning": (Version(4, 2), None),
    "exact_protection": (Version(4, 4), None),
    "any_pair": (Version(4, 1), None),
    "exact_overflow": (Version(4, 5), None),
    "tls_offsets": (Version(4, 4), None),
    "tls_arm64": (Version(4, 5), None),
    "one_image": (Version(4, 6), None),
    "plt_errors": (Version(4, 5), None),
    "bounded_peek": (Version(4, 5), None),
    "clamped_heap": (Version(4, 4), None),
}


@lru_cache(maxsize=64)
def rules(of: Version) -> Rules:
    """The rules of a release; one that isn't known yet has those of the newest."""
    of = NEAR.get(of, of)
    return Rules(**{each.name: _holds(SINCE[each.name], of) for each in fields(Rules)})


def _holds(span: tuple[Version, Version | None], of: Version) -> bool:
    since, until = span
    return since <= of and (until is None or of < until)
