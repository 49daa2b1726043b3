# SPDX-License-Identifier: Apache-2.0
"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# An example that takes longer hangs. Hypothesis would give up after 0.2 s, which a machine that is
# busy with something else needs for any of them; what has to be fast is measured in CPU time.
settings.register_profile("patient", deadline=20_000)
settings.load_profile("patient")
