"""A report as one HTML file that needs nothing else: no network, no library, and the same bytes from the same input."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ats_assets.reports.page_blocks import Block, html_of

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One section as it is written: its anchor, its heading, the shorter name in the navigation, and what is in it."""

    name: str
    title: str
    short: str
    blocks: Sequence[Block]


def page(parts: Sequence[Part], *, title: str, subtitle: str, footer: str) -> str:
    """The whole file, about 0.5 MB for three years.

    Parameters
    ----------
    parts
        In the order of the page.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html").render(
        title=title,
        subtitle=subtitle,
        footer=footer,
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        script=Markup((TEMPLATES / "page.js").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        parts=[(part, html_of(part.blocks)) for part in parts],
    )
