"""The feature report: each family judged on what is stored, as one HTML file, and its best features as a table for the asset's page."""

from collections.abc import Sequence

from ats_assets.evaluation.family_figures import Judged, by_size_of_t, looks_told
from ats_assets.evaluation.schema import QUANTILES
from ats_assets.evaluation.stored_factors import FamilyEvaluation
from ats_assets.reports.formatting import DASH, decimal, percent, whole
from ats_assets.reports.page import page
from ats_assets.reports.page_blocks import Heading, Note, Table
from ats_assets.reports.report_content import Part, ReportContent

FIRST = 10
"""Features in the table of the asset's page."""
SKILL_COLUMNS = ("feature", "rank IC", "t", "IC", "ICIR", "rank IC > 0")


def feature_report(found: Sequence[FamilyEvaluation], horizon: int) -> str:
    """The report as HTML: the bytes depend on what was found alone.

    Parameters
    ----------
    found
        A part of the page each; each has the horizon.
    horizon
        In sessions: features are sorted by the |t| of the rank IC over it.
    """
    parts = [_part(one, horizon) for one in found]
    sessions = [(one.first_session, one.last_session) for one in found]
    first, last = min(day for day, _ in sessions), max(day for _, day in sessions)
    content = ReportContent(
        parts=parts,
        title="Features",
        subtitle=f"{first} to {last}; sorted by the rank IC over {whole(horizon)} sessions",
        footer="In sample: all stored sessions were looked at. What is chosen by these figures must be judged on sessions that come later.",
    )
    return page(content)


def first_features(found: FamilyEvaluation, horizon: int) -> str:
    """The features with the largest |t|, as a table in Markdown."""
    columns = (*SKILL_COLUMNS, *(f"{one} s" for one in found.horizons))
    rows = [_skill_row(one, found.horizons, horizon)[: len(columns)] for one in by_size_of_t(found, horizon)[:FIRST]]
    lines = [columns, ("---", *("---:" for _ in columns[1:])), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{_span(found)}\n\n{table}\n\n{' '.join(looks_told(len(found.skills)))}"


def _part(found: FamilyEvaluation, horizon: int) -> Part:
    judged = by_size_of_t(found, horizon)
    columns = (*SKILL_COLUMNS, *(f"{one} s" for one in found.horizons), "coverage")
    quantiles = tuple(f"q{number + 1}" for number in range(QUANTILES))
    returns = ("feature", *quantiles, "spread", "t", "monotonic", "rank autocorrelation", "turnover", "nearest")
    return Part(
        name=found.family,
        title=found.family,
        short=found.family,
        blocks=[
            Note(text=f"{_span(found)} {' '.join(looks_told(len(found.skills)))}"),
            Heading(text="Information coefficients", note=f"Over {whole(horizon)} sessions, and the rank IC by horizon."),
            Table(columns=columns, rows=[_skill_row(one, found.horizons, horizon) for one in judged]),
            Heading(
                text="Returns by quantile of the feature, in basis points",
                note=f"Over {whole(horizon)} sessions, lowest values first; the feature that each resembles most, of other families or of its own.",
            ),
            Table(columns=returns, rows=[_returns_row(one, found.family, horizon) for one in judged]),
        ],
    )


def _span(found: FamilyEvaluation) -> str:
    return (
        f"{whole(found.sessions)} sessions, {found.first_session} to {found.last_session}, {whole(found.symbols)} symbols; "
        f"forward returns {found.outcomes}."
    )


def _skill_row(one: Judged, horizons: Sequence[int], horizon: int) -> tuple[str, ...]:
    skill, own = one[0], one[0].horizon(horizon)
    return (
        skill.feature,
        decimal(own.rank_ic, 4, signed=True),
        decimal(own.rank_ic_t, 1, signed=True),
        decimal(own.ic, 4, signed=True),
        decimal(own.icir, 2, signed=True),
        percent(own.positive_share, 0),
        *(decimal(skill.horizon(each).rank_ic, 4, signed=True) for each in horizons),
        percent(skill.coverage),
    )


def _returns_row(one: Judged, family: str, horizon: int) -> tuple[str, ...]:
    skill, other, within = one
    own, near = skill.horizon(horizon), other or within
    name = DASH if near is None else near.feature if near.family == family else f"{near.family}.{near.feature}"
    return (
        skill.feature,
        *(_basis_points(value) for value in own.quantile_returns),
        _basis_points(own.spread),
        decimal(own.spread_t, 1, signed=True),
        decimal(own.monotonicity, 1, signed=True),
        decimal(skill.rank_autocorrelation),
        percent(skill.turnover, 0),
        name if near is None else f"{name} {decimal(near.rank_correlation, 2, signed=True)}",
    )


def _basis_points(value: float | None) -> str:
    return decimal(None if value is None else value * 1e4, 1, signed=True)
