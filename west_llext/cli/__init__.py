# SPDX-License-Identifier: Apache-2.0
"""The command line: arguments in, text and exit status out. Nothing else in the package prints."""
