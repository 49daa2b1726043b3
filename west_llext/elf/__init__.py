# SPDX-License-Identifier: Apache-2.0
"""ELF files into records and back; the only room that knows how they are laid out in bytes."""
