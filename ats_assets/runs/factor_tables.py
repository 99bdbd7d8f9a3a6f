"""What `ats features evaluate` found, as JSON has it and as tables."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from ats_assets.evaluation.factor_resemblance import Resemblance
from ats_assets.evaluation.factor_skill import FactorSkill
from ats_assets.evaluation.many_looks import CHANCE, expected_largest_t, t_of_chance
from ats_assets.evaluation.schema import QUANTILES
from ats_assets.evaluation.skill_summary import MIN_SESSIONS, MIN_SESSIONS_PER_HORIZON
from ats_assets.evaluation.stored_factors import FamilyEvaluation
from ats_assets.runs.writing import console, write_table

Judged = tuple[FactorSkill, Resemblance | None, Resemblance | None]


def by_size_of_t(found: FamilyEvaluation, horizon: int) -> list[Judged]:
    """The features with the largest |t| of the rank IC first, those without one last; with what each resembles, of other families and of its own."""

    def size(one: Judged) -> float:
        t = one[0].horizon(horizon).rank_ic_t
        return -1.0 if t is None else abs(t)

    judged = zip(found.skills, found.resembles, found.resembles_own, strict=True)
    return sorted(judged, key=lambda one: (-size(one), one[0].feature))


def evaluation_json(found: FamilyEvaluation, horizon: int) -> dict[str, Any]:
    """All figures."""
    n = len(found.skills)
    return {
        "family": found.family,
        "horizon_sessions": horizon,
        "horizons_sessions": list(found.horizons),
        "first_session": found.first_session.isoformat(),
        "last_session": found.last_session.isoformat(),
        "sessions": found.sessions,
        "symbols": found.symbols,
        "forward_returns": found.outcomes,
        "features_looked_at": n,
        "expected_largest_t": expected_largest_t(n),
        "t_of_chance": t_of_chance(n),
        "note": " ".join(_looks(n)),
        "features": [
            asdict(skill) | {"resembles": asdict(other) if other else None, "resembles_own": asdict(own) if own else None}
            for skill, other, own in by_size_of_t(found, horizon)
        ],
    }


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
    lines += _looks(n)
    if judged < needed:
        lines.append(f"{judged} sessions with an outcome are too few to judge: {needed} are needed.")
    return lines


def _looks(n: int) -> list[str]:
    looked = "1 feature was looked at" if n == 1 else f"{n} features were looked at"
    return [
        f"{looked}: without any skill the largest |t| is expected at {expected_largest_t(n):.1f}, and above {t_of_chance(n):.1f} "
        f"in {CHANCE:.0%} of cases.",
        "Those that were tried before count, too.",
    ]


def _written(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
