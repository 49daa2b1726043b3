# SPDX-License-Identifier: Apache-2.0
"""Reports as text, JSON, SARIF and GitHub annotations; each a pure function."""
