"""What a cross-validation comes to, for each model: its skill along the paths beside that of shuffled rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ats_assets.errors import how_many
from ats_assets.evaluation import newey_west_t
from ats_assets.evaluation.skill_summary import EDGE_T_STATISTIC
from ats_assets.validation.schema import PURGED, SHUFFLED


@dataclass(frozen=True, kw_only=True)
class ValidationFigures:
    """Of one model; None where nothing could be fitted.

    Attributes
    ----------
    splits, fitted
        How many there are, and on how many of them a model was fitted.
    rank_ic
        Mean over the sessions of all paths.
    lowest, highest
        Mean of the worst and of the best path.
    t_statistic
        Of the mean over the paths, session by session (`newey_west_t`).
    shuffled_rank_ic
        Mean of K-fold on shuffled rows.
    """

    model: str
    splits: int
    fitted: int
    paths: int
    rank_ic: float | None
    lowest: float | None
    highest: float | None
    t_statistic: float | None
    shuffled_rank_ic: float | None

    @property
    def leakage(self) -> float | None:
        """What shuffling adds."""
        return None if self.rank_ic is None or self.shuffled_rank_ic is None else self.shuffled_rank_ic - self.rank_ic

    @property
    def text(self) -> str:
        """One sentence."""
        if self.rank_ic is None:
            return f"{self.model}: on none of the {self.splits} splits could a model be fitted."
        t = "" if self.t_statistic is None else f", t = {self.t_statistic:.1f}"
        edge = "edge" if self.t_statistic is not None and self.t_statistic >= EDGE_T_STATISTIC else "no edge"
        told = f"{self.model}: {edge}; mean rank IC {self.rank_ic:+.4f} over {how_many(self.paths, 'path')} ({self.lowest:+.4f} to {self.highest:+.4f}{t})"
        if self.leakage is None:
            return f"{told}."
        return (
            f"{told}. Shuffled K-fold says {self.shuffled_rank_ic:+.4f}: {self.leakage:+.4f} of it is knowledge of the outcome, or chance."
        )


def validation_figures(splits: pl.DataFrame, paths: pl.DataFrame, horizon_sessions: int) -> list[ValidationFigures]:
    """The figures of each model, of tables of the contracts `ValidatedSplits` and `ValidatedPaths`.

    Parameters
    ----------
    horizon_sessions
        Over which the labels of neighbouring sessions overlap.
    """
    return [
        _of(name, splits.filter(model=name), paths.filter(model=name), horizon_sessions)
        for name in splits["model"].unique(maintain_order=True)
    ]


def session_means(paths: pl.DataFrame) -> pl.DataFrame:
    """session, rank_ic: the mean over the purged paths of one model."""
    return paths.filter(way=PURGED).group_by("session").agg(pl.col("rank_ic").mean()).sort("session")


def _of(name: str, splits: pl.DataFrame, paths: pl.DataFrame, horizon: int) -> ValidationFigures:
    purged = splits.filter(way=PURGED)
    means = paths.filter(way=PURGED).group_by("path").agg(pl.col("rank_ic").mean()).sort("path")["rank_ic"].to_list()
    by_session = session_means(paths)["rank_ic"].to_numpy()
    return ValidationFigures(
        model=name,
        splits=purged.height,
        fitted=int(purged["reason"].null_count()),
        paths=len(means),
        rank_ic=_mean(paths.filter(way=PURGED)["rank_ic"].to_list()),
        lowest=min(means, default=None),
        highest=max(means, default=None),
        t_statistic=newey_west_t(by_session, horizon),
        shuffled_rank_ic=_mean(paths.filter(way=SHUFFLED)["rank_ic"].to_list()),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def importance_tables(found: pl.DataFrame, first: int = 10) -> dict[str, str]:
    """Of each model and way the features with the largest importance, as a table in Markdown.

    Parameters
    ----------
    found
        The contract `FeatureImportance`.
    """
    tables = {}
    for (model, way), rows in found.group_by("model", "way", maintain_order=True):
        unit = "share" if way == "contributions" else "rank IC"
        lines = [f"| feature | features | {unit} | ± |", "| --- | ---: | ---: | ---: |"]
        for row in rows.head(first).iter_rows(named=True):
            figures = (
                "–" if row[name] is None else f"{row[name]:{form}}" for name, form in (("importance", "+.4f"), ("standard_error", ".4f"))
            )
            lines.append(f"| {row['name']} | {len(row['features'])} | {' | '.join(figures)} |")
        tables[f"{model}: {way}"] = "\n".join(lines)
    return tables
