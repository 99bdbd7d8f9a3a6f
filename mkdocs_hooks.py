"""What the documentation's site is made of beside `docs/`: the README as its first page, other pages of the project, and the source files that pages link to.

Pages are written for whoever reads them in the repository: their links are relative to it. Here each link that leads out of `docs/` is led to a page of the site:
another page of the project, a module's entry of the reference, or the text of the file.
"""

import posixpath
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent
TEXTS = {
    ".py": "python",
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".sh": "sh",
    ".ipynb": "json",
    ".sql": "sql",
    ".css": "css",
}
REFERENCE = {
    "": (
        "calendar",
        "deployment",
        "errors",
        "settings",
        "features",
        "expressions",
        "leakcheck",
        "evaluation.splits",
        "evaluation.skill",
        "evaluation.edge_test",
        "evaluation.overfitting",
        "portfolio",
        "backtests.metrics",
        "storage.warehouse",
        "plugins",
        "sources.source",
        "features.family",
        "labels.label",
        "models.learner",
        "strategies.strategy",
        "risk.rule",
        "portfolio.method",
        "execution.broker",
        "algorithms.algorithm",
    ),
    "research": ("evaluation.combinatorial_paths", "features.making", "regimes"),
    "options": (
        "options.contract",
        "options.valuation",
        "options.implied_volatility",
        "options.price_bounds",
        "options.surface.smile",
        "option_strategies.contract_selection",
        "option_strategies.strategy_context",
    ),
    "additions": (
        "sources",
        "sources.schema",
        "sources.session_index",
        "vendors.open_vendor",
        "vendors.vendor_limits",
        "vendors.credentials",
        "models.training_set",
        "predictions.ensemble_rule",
        "corporate_actions.identity",
        "algorithms",
        "algorithms.price_grid",
        "algorithms.schedule",
    ),
    "engines and stores": ("backtests.child_engine.engine_in_child", "backtests.child_engine.trade_differences", "exports.online"),
    "service and bots": (
        "serving.app",
        "bots.client",
        "bots.bot_store",
        "bots.people",
        "bots.reception",
        "bots.rendering",
        "bots.reply",
        "bots.confirmations",
        "bots.sales",
        "bots.subscriptions.subscription_plans",
        "bots.broadcasting.sender",
        "bots.broadcasting.service_news",
    ),
}
"""The modules of the reference: what notebooks call, and what an addition is made of, with a page each; and by subject what else pages and examples import."""
BELOW = "    options:\n      heading_level: 3\n"
"""Of a module that shares its page with others."""
_LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]+)?(\))")
_FILE = re.compile(r"^( *```\w+) file=(\S+)$", re.MULTILINE)
"""How our pages name the file that a block is."""
_FENCE = re.compile(r"^( *)(```|~~~).*?^\1\2[^\n]*$", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made, as far as other pages lead to them."""
    files.append(File.generated(config, "index.md", content=(ROOT / "README.md").read_text(encoding="utf-8")))
    files.append(File.generated(config, "commands.md", content=_commands()))
    files.append(File.generated(config, "reference.md", content=_reference()))
    for subject, modules in REFERENCE.items():
        for name in () if subject else modules:
            files.append(File.generated(config, f"reference/{name}.md", content=f"# `ats_assets.{name}`\n\n::: ats_assets.{name}\n"))
        if subject:
            entries = "".join(f"## `ats_assets.{name}`\n\n::: ats_assets.{name}\n{BELOW}\n" for name in modules)
            files.append(
                File.generated(config, f"reference/{subject.replace(' ', '_')}.md", content=f"# {subject.capitalize()}\n\n{entries}")
            )
    waiting = [(file.src_uri, file.content_string) for file in files.documentation_pages()]
    while waiting:
        place, text = waiting.pop()
        for target in _targets(text, project_path(place)):
            uri = site_path(target)
            if uri is None or files.get_file_from_path(uri) is not None:
                continue
            content = _content(target)
            files.append(File.generated(config, uri, content=content))
            waiting.append((uri, content))
    return files


def _commands() -> str:
    """Each command with its arguments and options, as `--help` has them."""
    line = [sys.executable, "-m", "typer", "ats_assets.cli", "utils", "docs", "--name", "ats"]
    told = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own line
    above = "# Commands\n\nWhat `ats COMMAND --help` says; what the commands are for is told in [operations](operations.md).\n"
    return above + _told_whole(told.partition("\n")[2])


def _told_whole(commands: str) -> str:
    """Lists of commands with the first sentence of each, of which Typer tells some 45 characters."""
    headed = re.split(r"^(#+ `(ats .+)`)$", commands, flags=re.MULTILINE)
    sentences = {
        name: text.strip().partition("\n\n")[0].partition(". ")[0].removesuffix(".") + "."
        for name, text in zip(headed[2::3], headed[3::3], strict=True)
    }

    def whole(group: str, text: str) -> str:
        return re.sub(
            r"^\* `([\w-]+)`: .*\.\.\.$", lambda found: f"* `{found[1]}`: {sentences[f'{group} {found[1]}']}", text, flags=re.MULTILINE
        )

    parts = [f"{heading}{whole(group, text)}" for heading, group, text in zip(headed[1::3], headed[2::3], headed[3::3], strict=True)]
    return whole("ats", headed[0]) + "".join(parts)


def _reference() -> str:
    """The list of what has an entry."""
    lines = ["# Reference", "", "What notebooks call, and what additions are made of.", ""]
    lines += [f"- [`ats_assets.{name}`](reference/{name}.md)" for name in REFERENCE[""]]
    for subject, modules in REFERENCE.items():
        if subject:
            named = ", ".join(f"`{name}`" for name in modules)
            lines += [f"- [{subject.capitalize()}](reference/{subject.replace(' ', '_')}.md): {named}"]
    return "\n".join([*lines, ""])


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:  # noqa: ARG001 - mkdocs gives them by name
    """The page with its links led to pages of the site."""
    here = page.file.src_uri
    folder = posixpath.dirname(project_path(here))

    def led(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, found[2]))
        uri = site_path(target)
        if uri is None:
            return found[0]
        return f"{found[1]}{posixpath.relpath(uri, posixpath.dirname(here) or '.')}{found[3] or ''}{found[4]}"

    return "".join(_FILE.sub(r'\1 title="\2"', part) if is_code else _LINK.sub(led, part) for part, is_code in _parts(markdown))


def project_path(uri: str) -> str:
    """Where the source of a page of the site lies in the project."""
    if uri == "index.md":
        return "README.md"
    if uri.startswith("project/"):
        return uri.removeprefix("project/")
    if uri.startswith("source/"):
        return uri.removeprefix("source/").removesuffix(".md")
    return f"docs/{uri}"


def site_path(target: str) -> str | None:
    """The page of the site that shows a file or folder of the project; None where there is none of that name."""
    if target == "README.md":
        return "index.md"
    path = ROOT / target
    if target == "docs" or target.startswith("docs/"):
        return posixpath.relpath(target, "docs") if path.is_file() else None
    if target.endswith(".md") and path.is_file():
        return f"project/{target}"
    if path.is_dir() or (path.is_file() and (path.suffix in TEXTS or not path.suffix)):
        return f"source/{target.rstrip('/')}.md"
    return None


def _content(target: str) -> str:
    path = ROOT / target
    if path.is_dir():
        shown = sorted(one for one in path.iterdir() if not one.name.startswith((".", "__")) and (one.is_dir() or one.suffix in TEXTS))
        return f"# `{target}`\n\n" + "\n".join(f"- `{one.name}{'/' if one.is_dir() else ''}`{_told(one)}" for one in shown) + "\n"
    text = path.read_text(encoding="utf-8")
    return text if target.endswith(".md") else f"# `{target}`\n\n````{TEXTS.get(path.suffix, 'text')}\n{text.rstrip()}\n````\n"


def _told(path: Path) -> str:
    """The first line of a module's docstring, or of a folder's."""
    file = path / "__init__.py" if path.is_dir() else path
    text = file.read_text(encoding="utf-8") if file.suffix == ".py" and file.is_file() else ""
    found = re.match(r'"""(.+?)("""|$)', text, re.MULTILINE)
    return f": {found[1]}" if found else ""


def _targets(text: str, place: str) -> Iterator[str]:
    """The files and folders of the project outside docs/ that a page links to."""
    for part, is_code in _parts(text):
        for found in () if is_code else _LINK.finditer(part):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(place), found[2]))
            if not target.startswith("docs/") and target != "README.md":
                yield target


def _parts(markdown: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, and whether each is code."""
    at = 0
    for fence in _FENCE.finditer(markdown):
        yield markdown[at : fence.start()], False
        yield fence[0], True
        at = fence.end()
    yield markdown[at:], False
