"""The backtest report: its sections, one after the other, and the figures behind them; each form of it depends on its input alone."""

from dataclasses import asdict
from typing import Any

from ats_assets.backtests.metrics import cost_cases
from ats_assets.evaluation.skill_summary import skill_summary
from ats_assets.reports.page import page
from ats_assets.reports.report_content import Part, ReportContent
from ats_assets.reports.report_section import ReportInputs, sections
from ats_assets.settings import BacktestSettings

METHOD_NOTE = (
    "Targets of one session are traded at the open of the next; weights are limited by the same code as live orders; shares are counted in whole cents, "
    "cash is never borrowed to open a position, and a symbol without a bar is not traded."
)


def backtest_report(inputs: ReportInputs) -> str:
    """The report as HTML."""
    return page(backtest_content(inputs))


def backtest_content(inputs: ReportInputs) -> ReportContent:
    """The report before it is written in a form."""
    was_traded = inputs.metrics.first_session is not None
    made = {name: (section, section.make(inputs)) for name, section in sections().items() if was_traded or not section.is_of_trading}
    parts = [
        Part(name=name, title=section.title, short=section.short, blocks=blocks)
        for name, (section, blocks) in made.items()
        if blocks is not None
    ]
    how = (
        METHOD_NOTE
        if _as_orders(inputs)
        else f"The engine {inputs.settings.engine} traded the targets in its own way, and leaves out what its documentation says."
    )
    footer = f"A simulation on past data, with the costs stated above; it is no promise of future returns. {how}"
    return ReportContent(parts=parts, title=inputs.title, subtitle=_subtitle(inputs), footer=footer, figures=_figures(inputs))


def _figures(inputs: ReportInputs) -> dict[str, Any]:
    """What is computed, not rounded: of the backtest, of it at other costs, of the scores, of the trials; and what all of it was made with."""
    skill = skill_summary(inputs.rows["skill"], inputs.horizon_sessions) if "skill" in inputs.rows else None
    return {
        "backtest": inputs.metrics.to_dict(),
        "costs": [asdict(case) for case in cost_cases(inputs.costs, inputs.settings)],
        "skill": {"horizon_sessions": inputs.horizon_sessions, **asdict(skill)} if skill else None,
        "trials": inputs.selection.figures() if inputs.selection else None,
        "settings": inputs.shown_settings,
        "versions": inputs.provenance,
    }


def _as_orders(inputs: ReportInputs) -> bool:
    """Whether the targets were traded as orders are, which is what the default engine does."""
    return inputs.settings.engine == BacktestSettings().engine


def _subtitle(inputs: ReportInputs) -> str:
    metrics = inputs.metrics
    if metrics.first_session is None:
        return "No targets, so nothing was traded: what is about trading is left out."
    traded = "traded at the next open" if _as_orders(inputs) else f"traded by the engine {inputs.settings.engine}"
    return f"{metrics.first_session} to {metrics.last_session}, {metrics.sessions:,} sessions; targets {traded}, after costs."
