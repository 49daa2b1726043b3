# SPDX-License-Identifier: Apache-2.0
"""Names of C++ as people know them, read out of symbols (Itanium C++ ABI, 5.1)."""
