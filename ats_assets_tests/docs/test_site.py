"""The documentation as a site: it is built without a warning, every link leads somewhere, and it asks nothing of another server."""

import ast
import importlib
import json
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest

from ats_assets_tests.docs.commands import ROOT
from ats_assets_tests.docs.test_blocks import blocks
from ats_assets_tests.docs.test_synopsis import real

pytest.importorskip("material", reason="mkdocs-material is not installed")
OUTSIDE = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)="?(https?:)?//""")
"""What a browser would fetch from another server; a link that a reader follows is none of it."""
TARGET = re.compile(r'<a\b[^>]*?\bhref="([^"]+)"')
ANCHOR = re.compile(r'\b(?:id|name)="([^"]+)"')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "built"
    line = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    env = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.mark.slow
def test_each_page_is_there_with_its_headings(site: Path) -> None:
    for page in (ROOT / "docs").glob("*.md"):
        built = (site / f"{page.stem}.html").read_text(encoding="utf-8")
        text = re.sub(r"^(```|~~~).*?^\1", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        assert built.count("<h2 ") == len(re.findall(r"^## ", text, re.MULTILINE)), page.name
    assert "<h1" in (site / "index.html").read_text(encoding="utf-8")
    assert "ats_assets.calendar.SessionCalendar" in (site / "search" / "search_index.json").read_text(encoding="utf-8"), (
        "the reference can be searched"
    )


@pytest.mark.slow
def test_the_page_of_commands_has_each_with_each_option(site: Path) -> None:
    text = (site / "commands.html").read_text(encoding="utf-8")
    titled = re.split(r"<h[234] [^>]*><code>ats ([\w -]+)</code>", text)
    told = dict(zip(titled[1::2], titled[2::2], strict=True))
    missing = {(name, option) for name, (options, _) in real().items() for option in options if option not in told[name]}
    assert not missing
    assert not re.search(r"\.\.\.(</p>)?</li>", text), "each is told whole where commands are listed"
    assert '<input type="checkbox"' in (site / "production.html").read_text(encoding="utf-8"), "its checklist can be ticked off"


@pytest.mark.slow
def test_what_pages_and_examples_import_has_an_entry_of_the_reference(site: Path) -> None:
    entries = {unescape(name) for page in (site / "reference").glob("*.html") for name in ANCHOR.findall(page.read_text(encoding="utf-8"))}
    missing = set()
    for module, name in imported_names() - {("ats_assets.cli", "app")}:
        home = getattr(getattr(importlib.import_module(module), name), "__module__", module)
        stage = ".".join(module.split(".")[:2])  # a constant does not say where it comes from
        if not any(
            one in {f"{module}.{name}", f"{home}.{name}"} or (one.startswith(f"{stage}.") and one.endswith(f".{name}")) for one in entries
        ):
            missing.add(f"{module}.{name}")
    assert not missing, "mkdocs_hooks.REFERENCE has no module of it, or it has no docstring"


def imported_names() -> set[tuple[str, str]]:
    """Module and name of what blocks of Python, examples and notebooks import of the package."""
    texts = [text for _, text in blocks("python")] + [file.read_text(encoding="utf-8") for file in (ROOT / "examples").rglob("*.py")]
    for file in (ROOT / "examples").rglob("*.ipynb"):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        texts += ["".join(line for line in cell["source"] if line[0] != "%") for cell in cells if cell["cell_type"] == "code"]
    found = [node for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    return {(str(node.module), one.name) for node in found if str(node.module).partition(".")[0] == "ats_assets" for one in node.names}


@pytest.mark.slow
def test_each_link_leads_to_a_page_and_a_place_in_it(site: Path) -> None:
    pages = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    anchors = {name: {unescape(found) for found in ANCHOR.findall(text)} for name, text in pages.items()}
    dead = set()
    for name, text in pages.items():
        if name == "404.html":
            continue
        for link in map(unescape, TARGET.findall(text)):
            if re.match(r"[a-z]+:|//", link):
                continue
            path, _, anchor = link.partition("#")
            target = os.path.normpath(os.path.join(os.path.dirname(name), unquote(path))) if path else name  # noqa: PTH118, PTH120
            if not (site / target).exists() or (
                anchor and target in anchors and unquote(anchor) not in anchors[target] and not anchor.startswith("__")
            ):
                dead.add((name, link))
    assert not dead


@pytest.mark.slow
def test_nothing_is_fetched_from_another_server(site: Path) -> None:
    found = {path.name: OUTSIDE.findall(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    assert not {name for name, links in found.items() if links}
    assert not [path.name for path in site.rglob("*.html") if 'class="mermaid"' in path.read_text(encoding="utf-8")], (
        "drawn by a script from elsewhere"
    )
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert "@import" not in styles
    assert not re.search(r"url\([\"']?(https?:)?//", styles)


def test_what_is_built_is_not_committed() -> None:
    assert "/site/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
