# SPDX-License-Identifier: Apache-2.0

"""Write docs/machines.md anew from the relocation tables: run it after changing one of them."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from west_llext.arch import reference  # noqa: E402  the checkout has to be found first

(ROOT / "docs" / "machines.md").write_text(reference.text(), encoding="utf-8", newline="\n")
