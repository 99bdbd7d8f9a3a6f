"""What `ats features evaluate` found, as tables."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from ats_assets.evaluation.factor_resemblance import Resemblance
from ats_assets.evaluation.family_figures import Judged, by_size_of_t, looks_told
from ats_assets.evaluation.schema import QUANTILES
from ats_assets.evaluation.skill_summary import MIN_SESSIONS, MIN_SESSIONS_PER_HORIZON
from ats_assets.evaluation.stored_factors import FamilyEvaluation
from ats_assets.runs.writing import console, write_table


def show_evaluation(found: FamilyEvaluation, horizon: int, top: int) -> None:
    """Two tables of the first features and what to make of them, on standard output."""
    out = console()
    shown = by_size_of_t(found, horizon)[:top]
    span = f"{found.sessions:,} sessions, {found.first_session} to {found.last_session}, {found.symbols:,} symbols"
    out.print(Text(f"{found.family}: {span}; forward returns {found.outcomes}", style="bold"))
    out.print(Text(f"\nInformation coefficients over {horizon} sessions, and rank IC by horizon", style="bold"))
    write_table(out, _skill_table(shown, found.horizons, horizon))
    out.print(
        Text(f"\nMean return over {horizon} sessions by quantile of the feature, in basis points; turnover; nearest feature", style="bold")
    )
    write_table(out, _quantile_table(shown, found.family, horizon))
    out.print()
    for line in _notes(found, horizon, len(shown)):
        out.print(Text(line))


def _skill_table(shown: Sequence[Judged], horizons: Sequence[int], horizon: int) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("feature", "rank IC", "t", "IC", "ICIR", "> 0", *(f"{one} s" for one in horizons), "coverage"):
        table.add_column(heading, justify="left" if heading == "feature" else "right", no_wrap=True)
    for skill, _, _ in shown:
        own = skill.horizon(horizon)
        table.add_row(
            skill.feature,
            _written(own.rank_ic, "+.4f"),
            _written(own.rank_ic_t, "+.1f"),
            _written(own.ic, "+.4f"),
            _written(own.icir, "+.2f"),
            _written(own.positive_share, ".0%"),
            *(_written(skill.horizon(one).rank_ic, "+.4f") for one in horizons),
            f"{skill.coverage:.1%}",
        )
    return table


def _quantile_table(shown: Sequence[Judged], family: str, horizon: int) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    quantiles = [f"q{q + 1}" for q in range(QUANTILES)]
    for heading in ("feature", *quantiles, "spread", "t", "monotonic", "rank autocorr.", "turnover", "nearest"):
        table.add_column(heading, justify="left" if heading in {"feature", "nearest"} else "right", no_wrap=True)
    for skill, other, within in shown:
        own = skill.horizon(horizon)
        table.add_row(
            skill.feature,
            *(_written(value and value * 1e4, "+.1f") for value in own.quantile_returns),
            _written(own.spread and own.spread * 1e4, "+.1f"),
            _written(own.spread_t, "+.1f"),
            _written(own.monotonicity, "+.1f"),
            _written(skill.rank_autocorrelation, ".2f"),
            _written(skill.turnover, ".0%"),
            _nearest(other or within, family),
        )
    return table


def _nearest(found: Resemblance | None, family: str) -> str:
    if found is None:
        return "–"
    return f"{found.feature if found.family == family else f'{found.family}.{found.feature}'} {found.rank_correlation:+.2f}"


def _notes(found: FamilyEvaluation, horizon: int, shown: int) -> list[str]:
    n, judged = len(found.skills), max((skill.horizon(horizon).sessions for skill in found.skills), default=0)
    needed = max(MIN_SESSIONS, MIN_SESSIONS_PER_HORIZON * horizon)
    lines = [f"The {shown} with the largest |t| of {n}: --top {n} shows all, --json has every figure."] if shown < n else []
    lines += looks_told(n)
    if judged < needed:
        lines.append(f"{judged} sessions with an outcome are too few to judge: {needed} are needed.")
    return lines


def _written(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
