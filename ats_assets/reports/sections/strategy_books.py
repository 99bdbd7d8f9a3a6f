"""Each strategy's own book of the backtest, and who or what made the profit: by strategy, model, factor, symbol and cost."""

from collections.abc import Sequence
from typing import Final

from ats_assets.deployment import Deployment
from ats_assets.reports.book_blocks import book_blocks
from ats_assets.reports.page_blocks import Block
from ats_assets.reports.report_section import ReportInputs, ReportSection

TABLES: Final = ("equity", "attribution")


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """What `strategy_books` holds."""
    tables = inputs.tables.get("strategy_books", {})
    if not set(TABLES) <= tables.keys() or tables["attribution"].is_empty() or tables["equity"].is_empty():
        return None
    return book_blocks(tables["equity"], tables["attribution"])


def tables(deployment: Deployment) -> dict[str, tuple[str, ...]]:
    """Those of `strategy_books`, where there are such books."""
    return {"strategy_books": TABLES} if deployment.settings.has_books else {}


SECTION = ReportSection(title="Strategies and attribution", short="Strategies", place=57, make=make, tables=tables, is_of_trading=True)
