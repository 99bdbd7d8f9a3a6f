"""The columns of a family's frame. Its contract, which needs pandera, is in `contracts`."""

import polars as pl

from ats_assets.features.family import ColumnFamily, FeatureFamily


def frame_schema(family: FeatureFamily | ColumnFamily) -> pl.Schema:
    """The columns and types of a family's frame: symbol, session, then one float32 column a factor."""
    return pl.Schema({"symbol": pl.String(), "session": pl.Date()} | dict.fromkeys(family.factors, pl.Float32()))


def bar_frame_schema(family: FeatureFamily | ColumnFamily) -> pl.Schema:
    """The columns and types of the frame of a family over bars: symbol, session, known_at, then one float32 column a factor."""
    keys: dict[str, pl.DataType] = {"symbol": pl.String(), "session": pl.Date(), "known_at": pl.Datetime("ns", "UTC")}
    return pl.Schema(keys | dict.fromkeys(family.factors, pl.Float32()))
