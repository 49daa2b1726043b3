# SPDX-License-Identifier: Apache-2.0
"""One verb per file: `run(arguments, console)` calls a use case and says what came of it."""
