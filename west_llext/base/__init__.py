# SPDX-License-Identifier: Apache-2.0
"""What the base image offers and demands: its symbols, exports, ABI and memory."""
