"""One report, whatever form it is written in: sections of blocks, and the figures behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ats_assets.reports.page_blocks import Block


@dataclass(frozen=True, kw_only=True)
class Part:
    """One section as it is written: its anchor, its heading, the shorter name in the navigation, and what is in it."""

    name: str
    title: str
    short: str
    blocks: Sequence[Block]


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """A report before it is written as a page (`page`), on paper (`pdf_form`) or as data (`json_form`).

    Attributes
    ----------
    parts
        In their order.
    figures
        Numbers as they were computed, for the form that machines read; the blocks hold them as they are written for people.
    """

    parts: Sequence[Part]
    title: str
    subtitle: str
    footer: str
    figures: Mapping[str, Any] = field(default_factory=dict)
