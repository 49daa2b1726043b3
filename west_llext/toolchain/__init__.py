# SPDX-License-Identifier: Apache-2.0
"""From sources to one relocatable object per extension: compilers, flags, the ninja plan."""
