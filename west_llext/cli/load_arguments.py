# SPDX-License-Identifier: Apache-2.0
"""The command line of `load`."""

from __future__ import annotations

import argparse

from west_llext.cli.values import add_build_dir, any_word, number, path_word


def add_load(to: argparse.ArgumentParser) -> None:
    """Add the blobs and the options of `load`."""
    to.add_argument(
        "words",
        nargs="+",
        type=any_word,
        metavar="[NAME=]BLOB | unload:NAME",
        help="files to load, in order, each under its own name or another; or what to unload",
    )
    base = to.add_argument_group("base image")
    base.add_argument("--base", type=path_word, metavar="ELF", help="base image")
    base.add_argument(
        "--base-symbols",
        type=path_word,
        metavar="JSON",
        help="what the base image exports, as an object of names and addresses",
    )
    add_build_dir(base)
    _add_parameters(to.add_argument_group("parameters of the load"))
    _add_target(to.add_argument_group("target (default: as the base image is configured)"))


def _add_parameters(to: argparse._ArgumentGroup) -> None:
    to.add_argument(
        "--storage",
        choices=("temporary", "persistent", "writable"),
        help="how long the file stays in memory, and whether it may be changed there",
    )
    to.add_argument("--pre-located", action="store_true", help="the file is linked for its place")
    to.add_argument("--no-relocate-local", action="store_true", help="apply no relocations")
    to.add_argument("--keep-section-info", action="store_true", help="keep the section map")
    to.add_argument(
        "--buffer-address",
        action="append",
        default=[],
        type=number,
        metavar="N",
        help="where the file lies; may be repeated, for the next file",
    )
    to.add_argument(
        "--region-address",
        action="append",
        default=[],
        type=any_word,
        metavar="[NAME:]REGION=N",
        help="where the heap puts a region of the first file, or of NAME; may be repeated",
    )


def _add_target(to: argparse._ArgumentGroup) -> None:
    to.add_argument(
        "--arch",
        choices=(
            *("arm", "arm64", "aarch64", "riscv32", "riscv64", "x86", "x86_64", "xtensa", "arc"),
        ),
        help="its processor (default: that of the base image, or of the first file)",
    )
    to.add_argument(
        "--zephyr-version", type=any_word, metavar="VERSION", help="such as 4.3, or main"
    )
    to.add_argument("--heap-address", type=number, metavar="N", help="of the loader's heap")
    to.add_argument("--heap-size", type=number, metavar="N", help="in bytes; K and M work")
    to.add_argument(
        "--heap-block",
        type=number,
        metavar="N",
        help="bytes of a block, where regions come from sys_mem_blocks",
    )
    to.add_argument(
        "--protection",
        choices=("none", "mmu", "power-of-two", "page", "pmp", "other"),
        help="what memory protection asks of the place and size of a region",
    )
    to.add_argument("--page", type=number, metavar="N", help="bytes of its page, or granularity")
    to.add_argument("--userspace", action="store_true", help="there are user threads")
    to.add_argument(
        "--slid", action="store_true", help="the base image's symbols are looked up by SLID"
    )
