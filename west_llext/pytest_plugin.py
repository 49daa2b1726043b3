# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin: the fixture `llext`, for unit tests of extensions on the host.

pytest loads this in every session, so that nothing else of the package is imported before a test
asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from west_llext.app.fixture import Llext
    from west_llext.app.run_manifest import Opened

#: Manifests that were read in this session, by their path.
_OPENED: pytest.StashKey[dict[Path, Any]] = pytest.StashKey()
#: Options: name, what is shown for its value, help.
_OPTIONS = (
    ("llext_manifest", "FILE", "manifest of the extensions (default: llext.yml near the test)"),
    ("llext_build_dir", "DIR", "build directory of the base image (default: as the manifest says)"),
    ("llext_output", "DIR", "folder of the blobs (default: build/llext beside the manifest)"),
    ("llext_base", "FILE", "base image, or a description of it (default: the manifest's)"),
)
_LIMITS = (
    ("llext_max_instructions", "instructions that a call may run (default: 50000000)"),
    ("llext_max_seconds", "seconds that a call may take (default: 10)"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Settings, for the command line and for pytest's configuration file."""
    group = parser.getgroup("llext", "extensions for Zephyr on the host")
    for name, metavar, text in _OPTIONS:
        group.addoption(f"--{name.replace('_', '-')}", dest=name, metavar=metavar, help=text)
        parser.addini(name, text)
    for name, text in _LIMITS:
        parser.addini(name, text)


@pytest.fixture
def llext(request: pytest.FixtureRequest) -> Iterator[Llext]:
    """A target on the host, fresh for this test: `llext.load("filters").call("filters_run", 1)`."""
    __tracebackhide__ = True
    from west_llext.app.fixture import ExtensionError, Llext, safe  # noqa: PLC0415  # see above
    from west_llext.diagnostics import LlextError  # noqa: PLC0415  # see above

    config = request.config
    try:
        made = Llext(_opened(request), limits=_limits(config), base=_path(config, "llext_base"))
    except (LlextError, ExtensionError) as err:
        pytest.fail(safe(str(err)), pytrace=False)
    yield made
    made.close()


def _limits(config: pytest.Config) -> Any:
    from west_llext.emulate.limits import Limits  # noqa: PLC0415  # see above

    __tracebackhide__ = True
    usual = Limits()
    return Limits(
        seconds=_number(config, "llext_max_seconds", float, 86400) or usual.seconds,
        instructions=_number(config, "llext_max_instructions", int, 1 << 64) or usual.instructions,
    )


def _number(config: pytest.Config, name: str, kind: type[Any], most: int) -> Any:
    # a setting above zero; None where there is none
    __tracebackhide__ = True
    text: str = config.getini(name)
    if not text:
        return None
    try:
        value = kind(text)
    except ValueError:
        value = kind(0)
    if not 0 < value <= most:  # nor is what is no number at all (nan)
        pytest.fail(
            f"the setting {name} is '{text:.60}', expected a number above 0, at most {most}",
            pytrace=False,
        )
    return value


def _path(config: pytest.Config, name: str) -> Path | None:
    # of the command line relative to where pytest was started, of the file relative to that
    given: str | None = config.getoption(name)
    if given:
        return config.invocation_params.dir / given
    text = config.getini(name)
    return (config.inipath.parent if config.inipath else config.rootpath) / text if text else None


def _opened(request: pytest.FixtureRequest) -> Opened | None:
    # the manifest; None where there is none, and only a base image
    from west_llext.app.requests import Outside, Request  # noqa: PLC0415  # see above
    from west_llext.app.run_manifest import opened  # noqa: PLC0415  # see above
    from west_llext.app.stale import stale  # noqa: PLC0415  # see above
    from west_llext.app.where import default_output, nearest_manifest  # noqa: PLC0415  # likewise
    from west_llext.manifest.load import find  # noqa: PLC0415  # see above

    config = request.config
    path = _path(config, "llext_manifest")
    if path is None:
        near = nearest_manifest(str(request.path.parent))
        if near is None and _path(config, "llext_base") is not None:
            return None
        path = find(request.path.parent) if near is None else Path(near)
    known = config.stash.setdefault(_OPENED, {})
    if path not in known:
        asked = Request(
            manifest=path,
            display=_shown(path, config),
            output=_path(config, "llext_output") or Path(default_output(str(path))),
            build_dir=_path(config, "llext_build_dir"),
            outside=Outside.ALLOWED,  # tests are code, and whoever runs them trusts it
        )
        known[path] = opened(asked)
        for each in stale(asked, known[path].base_files):
            request.node.warn(pytest.PytestWarning(f"{each.message}: {each.hint}"))
    made: Opened = known[path]
    return made


def _shown(path: Path, config: pytest.Config) -> str:
    try:
        return path.relative_to(config.invocation_params.dir).as_posix()
    except ValueError:
        return path.as_posix()
