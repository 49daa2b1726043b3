# SPDX-License-Identifier: Apache-2.0
"""How zig is told of a processor: gcc's machine flags as `-target` and `-mcpu`.

Zig writes a processor as NAME+feature-feature with underscores, takes no `-march`, and believes
only features: `-mfpu` has no effect, and a triple that ends in `eabihf` without an FPU feature
makes objects that pass floats in registers but call helpers to multiply them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path

from west_llext.record import record
from west_llext.toolchain.machines import (
    EM_386,
    EM_AARCH64,
    EM_ARM,
    EM_RISCV,
    EM_X86_64,
)

#: Machine flags that say nothing beyond what the target says, by e_machine
_SPOKEN_FOR = {
    EM_ARM: ("-mcpu=", "-march=", "-mtune=", "-mthumb", "-marm", "-mfpu=", "-mfloat-abi=",
             "-mbig-endian", "-mlittle-endian", "-mabi="),
    EM_RISCV: ("-mcpu=", "-march=", "-mtune=", "-mstrict-align", "-mno-strict-align"),
    EM_AARCH64: ("-mcpu=", "-march=", "-mtune=", "-mabi=", "-mlittle-endian"),
    EM_386: ("-mcpu=", "-march=", "-mtune=", "-m32"),
    EM_X86_64: ("-mcpu=", "-march=", "-mtune=", "-m64"),
}  # fmt: skip

#: `-mfpu` of gcc to LLVM's features (Arm options of gcc; ARMFeatures.td)
_ARM_FPUS = {
    "vfp": "vfp2", "vfpv2": "vfp2", "vfpv3": "vfp3", "vfpv3-d16": "vfp3d16",
    "vfpv3xd": "vfp3d16sp", "vfpv4": "vfp4", "vfpv4-d16": "vfp4d16", "fpv4-sp-d16": "vfp4d16sp",
    "fpv5-sp-d16": "fp_armv8d16sp", "fpv5-d16": "fp_armv8d16", "fp-armv8": "fp_armv8",
    "neon": "neon", "neon-vfpv3": "neon", "neon-vfpv4": "neon+vfp4",
    "neon-fp-armv8": "neon+fp_armv8", "crypto-neon-fp-armv8": "neon+fp_armv8+crypto",
}  # fmt: skip

#: What gcc takes for `-mfpu=auto`, where zig's processor has no FPU by itself
_ARM_AUTO_FPUS = {
    "cortex_m4": "vfp4d16sp",
    "cortex_m7": "fp_armv8d16",
    "cortex_m33": "fp_armv8d16sp",
    "cortex_m35p": "fp_armv8d16sp",
    "cortex_m55": "fp_armv8d16+mve_fp",
    "cortex_m85": "fp_armv8d16+mve_fp",
}

#: `-march` of gcc to zig's generic processor with a feature
_ARM_ARCHES = {
    "armv4t": "v4t", "armv5t": "v5t", "armv5te": "v5te", "armv5tej": "v5te", "armv6": "v6",
    "armv6k": "v6k", "armv6kz": "v6kz", "armv6t2": "v6t2", "armv6-m": "v6m", "armv6s-m": "v6sm",
    "armv7": "v7a", "armv7-a": "v7a", "armv7ve": "v7ve", "armv7-r": "v7r", "armv7-m": "v7m",
    "armv7e-m": "v7em", "armv8-a": "v8a", "armv8-r": "v8r", "armv8-m.base": "v8m",
    "armv8-m.main": "v8m_main", "armv8.1-m.main": "v8_1m_main",
}  # fmt: skip

#: `+extension` of gcc's `-mcpu` and `-march` to features; FPU extensions depend on the architecture
_ARM_EXTENSIONS = {
    "dsp": "+dsp", "nodsp": "-dsp", "mve": "+mve", "mve.fp": "+mve_fp", "nomve": "-mve",
    "nomve.fp": "-mve_fp", "crc": "+crc", "crypto": "+crypto", "sec": "+trustzone",
    "mp": "+mp", "idiv": "+hwdiv+hwdiv_arm", "cdecp0": "+cdecp0", "pacbti": "+pacbti",
}  # fmt: skip

_AARCH64_EXTENSIONS = {"fp": "fp_armv8", "simd": "neon", "fp16": "fullfp16"}


@record(frozen=True, slots=True, kw_only=True)
class ZigTarget:
    """What zig needs to know of a processor.

    triple: value of `-target`
    cpu: value of `-mcpu`; None for the triple's own
    extra: flags that only the compiler takes, not `zig build-lib`
    """

    triple: str
    cpu: str | None
    extra: tuple[str, ...] = field(default=())

    @property
    def words(self) -> tuple[str, ...]:
        """For every command of zig that makes code."""
        return ("-target", self.triple, *((f"-mcpu={self.cpu}",) if self.cpu else ()))


def zig_target(
    flags: Sequence[str], *, machine: tuple[int, int], triple: str | None
) -> ZigTarget | None:
    """What gcc's machine flags among `flags` mean to zig; None for machines that zig lacks.

    triple: given by the user, who is then right about it
    """
    values = {}
    for flag in flags:
        name, _, value = flag.partition("=")
        values[name] = value
        if flag in {"-mthumb", "-marm"}:
            values["state"] = flag
        elif flag in {"-mbig-endian", "-mlittle-endian"}:
            values["order"] = flag
        elif flag in {"-mstrict-align", "-mno-strict-align"}:
            values["align"] = flag
    number, bits = machine
    if number == EM_ARM:
        found = _arm(values)
    elif number == EM_RISCV:
        found = _riscv(values, bits)
    elif number == EM_AARCH64:
        found = _aarch64(values)
    elif number in {EM_386, EM_X86_64}:
        found = _x86(values, bits)
    else:
        return None
    return ZigTarget(triple=triple or found.triple, cpu=found.cpu, extra=found.extra)


def cache_folder(environment: Mapping[str, str], instead: Path) -> Path:
    """Where zig may keep what it has compiled: its own place, or `instead`.

    Its own place is shared by all projects, but zig doesn't run without one that it can write to,
    and a user in a container may have none.
    """
    given = environment.get("ZIG_GLOBAL_CACHE_DIR")
    if given:
        return Path(given)
    for name, below in (("XDG_CACHE_HOME", "zig"), ("HOME", ".cache/zig"), ("LOCALAPPDATA", "zig")):
        if environment.get(name):
            own = Path(environment[name], below)
            nearest = next((each for each in (own, *own.parents) if each.exists()), None)
            return own if nearest and os.access(nearest, os.W_OK) else instead
    return instead


def spoken_for(flag: str, machine: tuple[int, int]) -> bool:
    """Whether the target already says what this machine flag says, so that zig must not see it."""
    return flag.startswith(_SPOKEN_FOR.get(machine[0], ()))


def _arm(values: Mapping[str, str]) -> ZigTarget:
    cpu, *extensions = values.get("-mcpu", "").split("+")
    if not cpu and "-march" in values:
        arch, *extensions = values["-march"].split("+")
        cpu = f"generic+{_ARM_ARCHES.get(arch, arch.replace('-', '_').replace('.', '_'))}"
    # gcc has cores with a slow multiplier, which the instruction set doesn't know of
    cpu = cpu.removesuffix(".small-multiply").replace("-", "_")
    profile_m = re.match(r"cortex_m\d|generic\+v\d(_1)?e?s?m|star_mc|sc[03]00", cpu) is not None
    float_abi = values.get("-mfloat-abi", "soft")
    features = "".join(_ARM_EXTENSIONS.get(each, "") for each in extensions)
    fpu = "" if float_abi == "soft" else _arm_fpu(cpu, extensions, values.get("-mfpu", "auto"))
    if not profile_m:
        fpu += _arm_fpu_beyond(cpu, fpu)
    features = fpu + features
    thumb = values.get("state") == "-mthumb" or profile_m
    arch = ("thumb" if thumb else "arm") + ("eb" if values.get("order") == "-mbig-endian" else "")
    return ZigTarget(
        triple=f"{arch}-freestanding-eabi{'hf' if float_abi == 'hard' else ''}",
        cpu=(cpu or "generic") + features if cpu or features else None,
        # without it the code of an `eabi` target calls helpers whatever the features say
        extra=("-mfloat-abi=softfp",) if float_abi == "softfp" else (),
    )


def _arm_fpu_beyond(cpu: str, fpu: str) -> str:
    # what most processors of the other profiles have by themselves, and gcc only where it's asked
    if cpu and not fpu:
        return "-vfp2sp"
    return "-d32" if fpu.endswith(("d16", "vfp2")) else ""


def _arm_fpu(cpu: str, extensions: Sequence[str], fpu: str) -> str:
    if fpu in _ARM_FPUS:
        return "+" + _ARM_FPUS[fpu]
    if "nofp" in extensions:
        return ""
    chosen = _ARM_AUTO_FPUS.get(cpu, "")
    for extension in extensions:
        if extension in {"fp", "fp.dp"}:
            chosen = _arm_arch_fpu(cpu, double=extension == "fp.dp")
        elif extension == "nofp.dp":
            chosen = chosen.replace("d16", "d16sp").replace("d16spsp", "d16sp")
        elif extension in {"nomve", "nomve.fp"}:
            chosen = chosen.removesuffix("+mve_fp")
    return "+" + chosen if chosen else ""


def _arm_arch_fpu(cpu: str, *, double: bool) -> str:
    # +fp and +fp.dp of -march: which FPU an architecture has (gcc, "ARM Options")
    if cpu == "generic+v7em":
        return "fp_armv8d16" if double else "vfp4d16sp"
    if cpu.startswith(("generic+v8m", "generic+v8_1m")):
        return "fp_armv8d16" if double else "fp_armv8d16sp"
    return "vfp3d16"


def _riscv(values: Mapping[str, str], bits: int) -> ZigTarget:
    triple = f"riscv{bits}-freestanding"
    isa = re.sub(r"\d+p\d+", "", values.get("-march", "").lower())
    if not isa:
        core = values.get("-mcpu", "").replace("-", "_")
        return ZigTarget(triple=triple, cpu=core or None)
    # rv32imac_zicsr: letters, then longer names (and letters again, as build attributes have them)
    letters, *names = isa[4:].split("_")
    features = [*letters.replace("g", "imafd"), *names]
    if "g" in letters:
        features += ["zicsr", "zifencei"]
    if values.get("align") == "-mno-strict-align":
        features.append("unaligned_scalar_mem")
    text = "".join(f"+{each}" for each in dict.fromkeys(features) if each not in {"i", ""})
    return ZigTarget(
        triple=triple, cpu=f"generic_rv{isa[2:4]}{text}" + ("-i" if "e" in letters else "")
    )


def _aarch64(values: Mapping[str, str]) -> ZigTarget:
    cpu, *extensions = values.get("-mcpu", "").split("+")
    if not cpu and "-march" in values:
        arch, *extensions = values["-march"].split("+")
        cpu = "generic+" + arch.removeprefix("arm").replace("-", "").replace(".", "_")
    text = cpu.replace("-", "_")
    for each in extensions:
        name = each.removeprefix("no")
        text += ("+" if name == each else "-") + _AARCH64_EXTENSIONS.get(name, name)
    arch = "aarch64_be" if values.get("order") == "-mbig-endian" else "aarch64"
    return ZigTarget(triple=f"{arch}-freestanding", cpu=text or None)


def _x86(values: Mapping[str, str], bits: int) -> ZigTarget:
    # zig's own processor of 32 bits has SSE2, which few base images have switched on
    cpu = values.get("-march", "i686" if bits == 32 else "").replace("-", "_")
    return ZigTarget(triple=f"{'x86' if bits == 32 else 'x86_64'}-freestanding", cpu=cpu or None)
