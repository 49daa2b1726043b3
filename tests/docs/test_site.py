# SPDX-License-Identifier: Apache-2.0
"""The documentation as a site: it builds without a warning, and every page is on the way."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from support.pages import ROOT, blocks

DOCS = ROOT / "docs"
#: Pages outside of docs/, whose links mkdocs doesn't see.
OUTSIDE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "samples/quickstart/README.md")
ADR_SECTIONS = ["Context", "Decision", "Consequences", "What would change our mind"]


class Links(HTMLParser):
    """Where a page leads, and what it loads."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.loaded: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called for every tag."""
        found = dict(attrs)
        if tag == "a" and found.get("href"):
            self.targets.append(str(found["href"]))
        elif tag in {"link", "script", "img"}:
            self.loaded += [value for name in ("href", "src") if (value := found.get(name))]


def built(folder: Path) -> subprocess.CompletedProcess[str]:
    """What `make docs` runs, into a folder."""
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site; mkdocs has nothing to complain about."""
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    done = built(folder)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def pages() -> set[str]:
    """Every page of docs/, and those that are made, as the site calls them."""
    found = {page.relative_to(DOCS).with_suffix(".html").as_posix() for page in DOCS.rglob("*.md")}
    return found | {"codes/index.html", "adr/index.html"}


def test_every_page_can_be_reached_from_the_first(site: Path) -> None:
    """By links alone, and nothing that a page leads to is missing."""
    seen: set[str] = set()
    ahead = ["index.html"]
    while ahead:
        name = ahead.pop()
        if name in seen:
            continue
        seen.add(name)
        for target in Links(site / name).targets:
            parts = urlsplit(target)
            if parts.scheme or not parts.path:
                continue
            path = (site / name).parent / unquote(parts.path)
            assert path.is_file(), f"{name} leads to {target}"
            if path.suffix == ".html":
                ahead.append(path.resolve().relative_to(site.resolve()).as_posix())
    assert pages() <= seen


def test_every_page_is_in_the_navigation(site: Path) -> None:
    """Which every page has, the first one as well."""
    listed = {urlsplit(target).path for target in Links(site / "index.html").targets}
    assert pages() - {"index.html"} <= listed


def test_every_code_has_a_line_in_the_index(site: Path) -> None:
    """With the title of its page."""
    text = (site / "codes" / "index.html").read_text(encoding="utf-8")
    for page in (DOCS / "codes").glob("*.md"):
        title = page.read_text(encoding="utf-8").partition("\n")[0].partition(": ")[2]
        plain = re.sub(r"<[^>]+>", "", text[text.index(f'href="{page.stem}.html"') :])
        assert title.replace("`", "") in plain.replace("&#39;", "'")


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    """The site can be read without a network, and nobody counts the readers."""
    for page in site.rglob("*.html"):
        loaded = Links(page).loaded
        assert [each for each in loaded if urlsplit(each).netloc] == []


def test_strict_means_strict(tmp_path: Path) -> None:
    """A link to a page that isn't there fails the build."""
    pytest.importorskip("mkdocs")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("[there](nowhere.md)\n", encoding="utf-8")
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    own = re.sub(r"^hooks:\n  - .*\n", "", settings, flags=re.MULTILINE)
    assert own != settings
    (tmp_path / "mkdocs.yml").write_text(own, encoding="utf-8")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "nowhere.md" in done.stderr


@pytest.mark.parametrize("name", OUTSIDE)
def test_links_in_other_pages_lead_somewhere(name: str) -> None:
    """To a file of the checkout."""
    page = ROOT / name
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    local = [urlsplit(each).path for each in targets if not urlsplit(each).scheme]
    assert [each for each in local if each and not (page.parent / each).exists()] == []


def test_decisions_have_a_number_each_and_the_usual_sections() -> None:
    """One page each: context, decision, consequences, what would change our mind."""
    found = sorted((DOCS / "adr").glob("*.md"))
    numbers = [each.name[:4] for each in found]
    assert len(set(numbers)) == len(numbers)
    for page in found:
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {page.name[:4]}: "), page.name
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ADR_SECTIONS, page.name
        assert len(text.splitlines()) <= 80, page.name


def test_settings_on_the_page_about_ci_are_ours() -> None:
    """The hook has the name that it is offered by, and each command can be parsed."""
    yaml = pytest.importorskip("yaml")
    shown = {each.name: each.text for each in blocks(DOCS / "ci.md") if each.name}
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    (repository,) = yaml.safe_load(shown[".pre-commit-config.yaml"])["repos"]
    assert [each["id"] for each in repository["hooks"]] == [hook["id"]]
    for name in (".github/workflows/llext.yml", ".github/workflows/llext-scanning.yml"):
        (job,) = yaml.safe_load(shown[name])["jobs"].values()
        commands = [step["run"] for step in job["steps"] if "run" in step]
        assert commands[0].startswith("pip install ")
        assert all(re.match(r"west-llext (build|check) --format ", each) for each in commands[1:])


def test_the_folder_of_the_site_is_ignored() -> None:
    """Nobody commits it by accident."""
    assert "/site/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
