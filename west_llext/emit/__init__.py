# SPDX-License-Identifier: Apache-2.0
"""Outputs: one pure text() or image() for each kind; files.py alone touches the disk.

The first line of a text says that west-llext made it and from which manifest. It does not say which
version: a new version that changes nothing else must not make every output new, and with it all
that is built from them.
"""
