"""What is shown of each partition of predictions."""

import polars as pl


def prediction_figures(predictions: pl.DataFrame) -> pl.DataFrame:
    """How many symbols have a score, how far the scores lie apart, and how many days old the model is.

    Examples
    --------
    >>> from datetime import date
    >>> of = {"session": [date(2024, 1, 9)] * 2, "score": [1.0, 3.0], "model_session": [date(2024, 1, 2)] * 2}
    >>> prediction_figures(pl.DataFrame(of)).rows()
    [(datetime.date(2024, 1, 9), 2, 2.0, 1.4142135623730951, 7)]
    """
    age = (pl.col("session") - pl.col("model_session")).dt.total_days().max()
    score = pl.col("score")
    return predictions.group_by("session", maintain_order=True).agg(
        symbols=pl.len(), score_mean=score.mean(), score_deviation=score.std(), model_age_days=age
    )
