# SPDX-License-Identifier: Apache-2.0
"""`west llext`: what west loads, by its path (scripts/west-commands.yml).

west runs this file as a module of a name that it makes up, so nothing may be defined here but the
command, and nothing imported but west and the standard library: an import that fails would end in
west's traceback instead of a line that says what to install.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from west.commands import CommandError, WestCommand

#: Modules that the package needs, and what they are called where packages are installed from.
NEEDED = {"yaml": "PyYAML", "ninja": "ninja"}
ENVIRONMENT = 3  # exit status, as in west_llext.diagnostics


class LlextCommand(WestCommand):
    """Builds, validates and pre-links loadable extensions."""

    def __init__(self) -> None:
        """As west wants it; the line of help is in west-commands.yml."""
        super().__init__(
            "llext",
            "",
            "Build, validate and pre-link loadable extensions (LLEXT).",
            accepts_unknown_args=False,
        )

    def do_add_parser(
        self, parser_adder: argparse._SubParsersAction[argparse.ArgumentParser]
    ) -> argparse.ArgumentParser:
        """Our verbs below west's parser."""
        _find_package()
        from west_llext.cli.arguments import EPILOG, add_arguments  # noqa: PLC0415  # found now

        parser = parser_adder.add_parser(
            self.name, help=self.help, description=self.description, epilog=EPILOG
        )
        add_arguments(parser)
        return parser

    def do_run(self, args: argparse.Namespace, _unknown: list[str]) -> None:
        """Run a verb; raises CommandError for every exit status but 0."""
        missing = [name for module, name in NEEDED.items() if find_spec(module) is None]
        if missing:
            names = " ".join(missing)
            self.err(f"west llext needs Python packages that aren't there: pip install {names}")
            raise CommandError(returncode=ENVIRONMENT)  # type: ignore[no-untyped-call]  # west's
        from west_llext.cli.main import execute  # noqa: PLC0415  # after the look above
        from west_llext.cli.west_config import West  # noqa: PLC0415  # likewise

        west = West(self.topdir or "", self._settings())
        status = execute(self._with_verbosity(args), self._environment(), west)
        if status:
            raise CommandError(returncode=status)  # type: ignore[no-untyped-call]  # west's

    def _with_verbosity(self, args: argparse.Namespace) -> argparse.Namespace:
        # `west -v llext` and `west -q llext` count as our own options do, which go before them
        if args.llext_verbosity == "normal":
            level = getattr(args, "verbose", 0) - getattr(args, "quiet", 0)
            args.llext_verbosity = "verbose" if level > 0 else "quiet" if level < 0 else "normal"
        return args

    def _settings(self) -> dict[str, str]:
        # ours, and those that say where build directories are
        if self.config is None:
            return {}
        ours = ("llext.", "build.")
        return {name: str(each) for name, each in self.config.items() if name.startswith(ours)}

    def _environment(self) -> dict[str, str]:
        # `west config color.ui false` holds for us, too
        environment = dict(os.environ)
        wanted = True if self.config is None else self.config.getboolean("color.ui", default=True)
        return environment if wanted else environment | {"NO_COLOR": "1"}


def _find_package() -> None:
    # The package beside this file, also where it isn't installed, or another version of it is.
    here = Path(__file__).resolve().parent
    spec = find_spec(here.name)
    origin = None if spec is None or spec.origin is None else Path(spec.origin).resolve().parent
    if origin != here:
        sys.path.insert(0, str(here.parent))
