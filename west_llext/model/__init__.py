# SPDX-License-Identifier: Apache-2.0
"""Frozen records and enums that the rooms hand to each other; nothing but derived values."""
