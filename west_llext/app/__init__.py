# SPDX-License-Identifier: Apache-2.0
"""One use case per file: a request in, a result out; nothing is printed here."""
