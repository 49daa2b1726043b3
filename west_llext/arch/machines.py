# SPDX-License-Identifier: Apache-2.0
"""Every machine that we know, by e_machine."""

from __future__ import annotations

from collections.abc import Mapping

from west_llext.arch import arm
from west_llext.arch.table import Machine

MACHINES: Mapping[int, Machine] = {machine.number: machine for machine in (arm.MACHINE,)}
