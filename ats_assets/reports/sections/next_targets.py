"""What is wanted for the session after the newest."""

from collections.abc import Sequence

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.reports.page_blocks import Block, Note
from ats_assets.reports.report_section import ReportInputs, ReportSection
from ats_assets.reports.report_tables import SHOWN_TARGETS, targets_table


def make(inputs: ReportInputs) -> Sequence[Block]:
    """The targets of the newest session."""
    targets = inputs.of("targets")
    if targets is None:
        return [Note(text="None.")]
    newest = targets.filter(pl.col("session") == targets["session"].max())
    count = len(newest.filter(pl.col("target_weight") != 0))
    when = "the next open" if inputs.next_session is None else f"the open of {inputs.next_session}"
    shown = f"the {SHOWN_TARGETS} largest are shown; " if count > SHOWN_TARGETS else ""
    text = (
        f"Known at the close of {newest['session'][0]}, to be traded at {when}: {count} of {len(newest)} symbols have a weight; {shown}"
        "proposed is the share of equity that the strategies call for together, target what the risk rules leave of it; "
        "turnover limit and no-trade band come in trading."
    )
    return [Note(text=text), targets_table(targets)]


def reads(_: Deployment) -> tuple[str, ...]:
    """The targets; of them the newest session alone is read."""
    return ("targets",)


SECTION = ReportSection(title="Targets for the next session", short="Targets", place=120, make=make, reads=reads)
