# SPDX-License-Identifier: Apache-2.0
"""Every stand-in that comes with the tool."""

from __future__ import annotations

from collections.abc import Mapping

from west_llext.emulate.standin import StandIn
from west_llext.emulate.standins_c import C
from west_llext.emulate.standins_kernel import KERNEL

#: By the name of the C function.
STAND_INS: Mapping[str, StandIn] = {**C, **KERNEL}
