"""The contracts of the tables of `cross_validation`, `importance` and `timeframe_validation`."""

from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig

PURGED, SHUFFLED = "purged", "shuffled"
WAYS = [PURGED, SHUFFLED]
IMPORTANCES = ["features", "clusters", "alone", "contributions"]


class _Exactly(BaseConfig):
    """Columns are exactly these."""

    strict = True
    ordered = True


class ValidatedSplits(pa.DataFrameModel):
    """One fit of each split of each model, in the order of the settings and of the splits."""

    model: str
    way: str = pa.Field(isin=WAYS, description="purged; or shuffled, which knows of outcomes that overlap the tested ones")
    split: pl.Int32 = pa.Field(ge=0)
    blocks: str = pa.Field(description="of the window that are tested, from 0")
    train_rows: pl.Int64 = pa.Field(ge=0)
    test_rows: pl.Int64 = pa.Field(ge=0)
    purged: pl.Int64 = pa.Field(ge=0, description="rows that were left out because their label overlaps a tested one")
    embargoed: pl.Int64 = pa.Field(ge=0, description="rows that were left out by the embargo alone")
    sessions: pl.Int64 = pa.Field(ge=0, description="tested sessions with a rank IC")
    rank_ic: float = pa.Field(nullable=True, ge=-1, le=1, description="mean over them; null where nothing was fitted")
    reason: str = pa.Field(nullable=True, description="why nothing was fitted")

    class Config(_Exactly):
        """A row for each split."""

        unique = ["model", "way", "split"]  # noqa: RUF012


class ValidatedPaths(pa.DataFrameModel):
    """The rank IC of each session along each path: a whole history, every session of which was predicted by a model that had not seen it."""

    model: str
    way: str = pa.Field(isin=WAYS)
    path: pl.Int32 = pa.Field(ge=0)
    session: date = pa.Field(description="of the decision")
    rank_ic: float = pa.Field(ge=-1, le=1)

    class Config(_Exactly):
        """A row for each session of each path."""

        unique = ["model", "way", "path", "session"]  # noqa: RUF012


class FeatureImportance(pa.DataFrameModel):
    """What a model owes to a feature, or a cluster of features, out of sample; of each model and way the largest first."""

    model: str
    way: str = pa.Field(
        isin=IMPORTANCES,
        description="what is permuted: single features, or clusters; or a model of the feature alone; or what moves the scores",
    )
    name: str = pa.Field(description="the feature, or the most typical one of the cluster")
    features: pl.List(pl.String)  # pyright: ignore[reportInvalidTypeForm]
    importance: float = pa.Field(
        nullable=True,
        description="mean over the folds of the rank IC that is lost, or had alone, or of the share in the size of all contributions; null where no fold could be judged",
    )
    standard_error: float = pa.Field(nullable=True, ge=0)
    folds: pl.Int64 = pa.Field(ge=0, description="that could be judged")

    class Config(_Exactly):
        """A row for each feature or cluster."""

        unique = ["model", "way", "name"]  # noqa: RUF012


class ValidatedHorizons(pa.DataFrameModel):
    """Each model over each horizon, in the order of the settings and by horizon."""

    model: str
    horizon_sessions: pl.Int32 = pa.Field(ge=1)
    is_own: bool = pa.Field(description="whether it is training.horizon_sessions")
    is_neighbour: bool = pa.Field(description="whether the verdict asks for it")
    sessions: pl.Int64 = pa.Field(ge=0, description="decisions with a rank IC")
    rank_ic: float = pa.Field(ge=-1, le=1, description="mean over them, out of sample")
    t_statistic: float = pa.Field(nullable=True, description="of the mean, for the overlap of outcomes")
    by_luck: float = pa.Field(
        nullable=True, description="what it would be if the skill over the own horizon were luck; null for that horizon"
    )
    beyond: float = pa.Field(nullable=True, description="mean of what is left of the rank IC")
    beyond_t: float = pa.Field(nullable=True, description="its t")

    class Config(_Exactly):
        """A row for each horizon of each model."""

        unique = ["model", "horizon_sessions"]  # noqa: RUF012


class HorizonVerdicts(pa.DataFrameModel):
    """Whether each model holds on the neighbouring horizons."""

    model: str = pa.Field(unique=True)
    holds: bool
    text: str = pa.Field(description="why or why not, with the numbers")

    class Config(_Exactly):
        """A row for each model."""


IMPORTANCE_SCHEMA = pl.Schema(
    {
        "model": pl.String,
        "way": pl.String,
        "name": pl.String,
        "features": pl.List(pl.String),
        "importance": pl.Float64,
        "standard_error": pl.Float64,
        "folds": pl.Int64,
    }
)
SPLITS_SCHEMA = pl.Schema(
    {
        "model": pl.String,
        "way": pl.String,
        "split": pl.Int32,
        "blocks": pl.String,
        "train_rows": pl.Int64,
        "test_rows": pl.Int64,
        "purged": pl.Int64,
        "embargoed": pl.Int64,
        "sessions": pl.Int64,
        "rank_ic": pl.Float64,
        "reason": pl.String,
    }
)
PATHS_SCHEMA = pl.Schema({"model": pl.String, "way": pl.String, "path": pl.Int32, "session": pl.Date, "rank_ic": pl.Float64})
HORIZONS_SCHEMA = pl.Schema(
    {
        "model": pl.String,
        "horizon_sessions": pl.Int32,
        "is_own": pl.Boolean,
        "is_neighbour": pl.Boolean,
        "sessions": pl.Int64,
        "rank_ic": pl.Float64,
        "t_statistic": pl.Float64,
        "by_luck": pl.Float64,
        "beyond": pl.Float64,
        "beyond_t": pl.Float64,
    }
)
VERDICTS_SCHEMA = pl.Schema({"model": pl.String, "holds": pl.Boolean, "text": pl.String})
