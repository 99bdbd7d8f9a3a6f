"""What is left of the Sharpe ratio when it is known how much was tried: deflated ratio, minimum lengths, probability of overfitting. The number of trials is the ledger's."""

from collections.abc import Sequence

from ats_assets.reports.page_blocks import Block
from ats_assets.reports.report_section import ReportInputs, ReportSection
from ats_assets.reports.trial_blocks import trial_blocks


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """Of the backtest's returns."""
    return None if inputs.selection is None else trial_blocks(inputs.selection, inputs.ledger_fault)


SECTION = ReportSection(title="Number of trials", short="Trials", place=85, make=make, is_of_trading=True)
