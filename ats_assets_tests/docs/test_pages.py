"""The pages that people read: their lines are short, their links lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    path
    for folder in ("", "docs", "docs/decisions", "benchmarks", "models", "warehouse", "findings")
    for path in sorted((ROOT / folder).glob("*.md"))
]
WIDTH = 120
WIDE_TABLES = {
    f"docs/{name}.md"
    for name in (
        "architecture",
        "bots",
        "data",
        "expressions",
        "file_formats",
        "monitoring",
        "operations",
        "orders",
        "production",
        "regimes",
        "risk",
        "stores",
    )
}
"""Pages with tables of several columns, whose rows can't be broken."""
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")


def _id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def must_be_long(line: str, page: str) -> bool:
    """Whether a line can't be broken: a row of a wide table, or one without a space to break it at."""
    return (page in WIDE_TABLES and line.lstrip().startswith("|")) or len(line.split(" ")) == 1


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_lines_have_at_most_120_characters(page: Path) -> None:
    long = {
        n: line
        for n, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > WIDTH and not must_be_long(line, _id(page))
    }
    assert not long


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    broken = []
    for name, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(f"{name}#{anchor}" if anchor else name)
    assert not broken


def test_the_pages_are_found() -> None:
    assert {"README.md", "CHANGELOG.md", "docs/architecture.md", "docs/decisions/README.md"} <= {_id(page) for page in PAGES}


def test_each_decision_is_in_the_list() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text(encoding="utf-8")
    files = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert len(files) >= 50
    assert not [name for name in files if f"]({name})" not in listed]
