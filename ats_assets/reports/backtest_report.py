"""The backtest report: its sections, one after the other, as one HTML file whose bytes depend on its input alone."""

from ats_assets.backtests import BacktestMetrics
from ats_assets.reports.page import Part, page
from ats_assets.reports.report_section import ReportInputs, sections

METHOD_NOTE = (
    "Targets of one session are traded at the open of the next; weights are limited by the same code as live orders; shares are counted in whole cents, "
    "cash is never borrowed to open a position, and a symbol without a bar is not traded."
)


def backtest_report(inputs: ReportInputs) -> str:
    """The report as HTML."""
    made = {name: (section, section.make(inputs)) for name, section in sections().items()}
    parts = [
        Part(name=name, title=section.title, short=section.short, blocks=blocks)
        for name, (section, blocks) in made.items()
        if blocks is not None
    ]
    footer = f"A simulation on past data, with the costs stated above; it is no promise of future returns. {METHOD_NOTE}"
    return page(parts, title=inputs.title, subtitle=_subtitle(inputs.metrics), footer=footer)


def _subtitle(metrics: BacktestMetrics) -> str:
    if metrics.first_session is None:
        return "No targets, so nothing was traded."
    return (
        f"{metrics.first_session} to {metrics.last_session}, {metrics.sessions:,} sessions; targets traded at the next open, after costs."
    )
