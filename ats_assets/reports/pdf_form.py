"""A report as a PDF, made by typst: pages with numbers, a table of contents, headings that a reader's outline shows, and the same bytes from the same input.

Only the fonts that typst brings are used, and no clock: what one machine makes another makes, too. Letters that they lack (of Chinese names, say) are empty boxes.
"""

import importlib
from pathlib import Path
from typing import Any

from ats_assets.errors import SettingsError
from ats_assets.reports.report_content import ReportContent
from ats_assets.reports.typst_blocks import text_of, typst_of

PREAMBLE = Path(__file__).parent / "templates" / "paper.typ"
EXTRA = "pdf"


def report_pdf(content: ReportContent) -> bytes:
    """The report as a PDF.

    Raises
    ------
    SettingsError
        If typst is not installed.
    """
    return _compiled(paper_markup(content), "pdf")


def require_typst() -> Any:
    """The library, which is an extra.

    Raises
    ------
    SettingsError
        If it is not installed; the message names the extra.
    """
    try:
        return importlib.import_module("typst")
    except ImportError:
        raise SettingsError(f"a report as PDF needs typst, which is not installed: pip install 'ats-assets[{EXTRA}]'") from None


def paper_markup(content: ReportContent) -> str:
    """The whole document in typst's markup."""
    title, subtitle = text_of(content.title), text_of(content.subtitle)
    sections = [f"#heading(level: 1)[{text_of(part.title)}]\n{typst_of(part.blocks)}" for part in content.parts]
    return "\n".join(
        [
            f"#set document(title: {title[1:]}, date: none)",
            f"#let title-text = {title[1:]}",
            f"#let subtitle-text = {subtitle[1:]}",
            PREAMBLE.read_text(encoding="utf-8"),
            f'#text(20pt, weight: "semibold")[{title}]\n\n#text(fill: muted)[{subtitle}]',
            f"#block(above: 1.2em, height: {-(-len(sections) // 2) * 1.45}em)[#set text(9pt)\n#columns(2, outline(title: none, depth: 1))]",
            *sections,
            f"#v(1em)\n#note[{text_of(content.footer)}]",
        ]
    )


def _compiled(markup: str, form: str, **how: Any) -> Any:
    typst = require_typst()
    return typst.Compiler(input=markup.encode(), ignore_system_fonts=True).compile(format=form, timestamp=0, **how)
