"""What came of it, in one look: the verdict on the scores, the largest figures, and what is to be said before anybody believes them."""

from collections.abc import Sequence

from ats_assets.backtests import BacktestMetrics
from ats_assets.deployment import Deployment
from ats_assets.evaluation.skill_summary import skill_summary
from ats_assets.reports.formatting import decimal, multiple, percent, whole
from ats_assets.reports.page_blocks import Block, Callout, Cards, Headline
from ats_assets.reports.report_section import ReportInputs, ReportSection
from ats_assets.reports.turnover_limit import limit_text

BESIDE = "This judges the scores, out of sample and before costs; the figures below are what trading them would have left."


def make(inputs: ReportInputs) -> Sequence[Block]:
    """Verdict, limits, large figures; the verdict alone where nothing was traded."""
    if inputs.metrics.first_session is None:
        return [_verdict(inputs, "This judges the scores, out of sample and before costs.")]
    blocks: list[Block] = [_verdict(inputs, BESIDE), Cards(headlines=headlines(inputs.metrics))]
    if text := limit_text(inputs.metrics.to_dict(), inputs.portfolio.max_turnover):
        blocks.append(
            Callout(
                text=text,
                tone="warn",
                detail="So the account lags behind its targets: more names, smaller weights, held for longer than the strategy asks for.",
            )
        )
    return blocks


def _verdict(inputs: ReportInputs, why: str) -> Callout:
    if "skill" not in inputs.rows:
        return Callout(text="Skill was not judged.", detail="No outcomes of predictions were given to this report.")
    summary = skill_summary(inputs.rows["skill"], inputs.horizon_sessions)
    return Callout(text=summary.text, detail=why, tone="gain" if summary.verdict == "edge" else "")


def headlines(m: BacktestMetrics) -> list[Headline]:
    """The large figures."""
    error = "not defined" if m.sharpe_standard_error is None else f"± {decimal(m.sharpe_standard_error)} standard error"
    held = f"held for {decimal(m.holding_sessions, 1)} sessions" if m.holding_sessions is not None else f"{whole(m.n_trades)} trades"
    return [
        Headline(
            name="Total return",
            value=percent(m.total_return, signed=True),
            note=f"benchmark {percent(m.benchmark_return, signed=True)}",
            tone=_tone(m.total_return),
        ),
        Headline(
            name="Annual return",
            value=percent(m.annual_return, signed=True),
            note=f"benchmark {percent(m.benchmark_annual_return, signed=True)}; gross {percent(m.gross_annual_return, signed=True)}",
            tone=_tone(m.annual_return),
        ),
        Headline(name="Sharpe ratio", value=decimal(m.sharpe), note=error),
        Headline(name="Volatility a year", value=percent(m.volatility), note=f"beta {decimal(m.beta)}"),
        Headline(name="Maximum drawdown", value=percent(m.max_drawdown), note=f"longest: {whole(m.max_drawdown_sessions)} sessions"),
        Headline(name="Turnover a year", value=multiple(m.turnover_a_year), note=f"one-way; {held}"),
        Headline(name="Costs a year", value=percent(m.costs_a_year, 2), note=f"of equity; {whole(m.costs)} in all"),
        Headline(name="Win rate", value=percent(m.hit_rate_trades), note=f"of closing trades; profit factor {decimal(m.profit_factor)}"),
    ]


def _tone(value: float | None) -> str:
    return "" if not value else "gain" if value > 0 else "loss"


def reads(_: Deployment) -> tuple[str, ...]:
    """The skill of the scores."""
    return ("skill",)


SECTION = ReportSection(title="Overview", short="Overview", place=0, make=make, reads=reads)
