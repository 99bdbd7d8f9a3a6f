"""The frames of several families as one."""

from collections.abc import Mapping

import polars as pl

from ats_assets.errors import ContractError
from ats_assets.features.family import KEYS


def joined(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The columns of all families beside each other.

    Parameters
    ----------
    frames
        Family to its frame: symbol, session, then its factors. All have the same rows in the same order, since each family has a row for each bar.

    Returns
    -------
    DataFrame
        symbol, session, then the factors of all families in order.

    Raises
    ------
    ContractError
        If a family lacks a row that another has, or has them in another order.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> from ats_assets.features import joined
    >>> keys = {"symbol": ["ABC", "XYZ"], "session": [date(2024, 1, 2)] * 2}
    >>> joined({"one": pl.DataFrame(keys | {"a": [1.0, 2.0]}), "two": pl.DataFrame(keys | {"b": [3.0, 4.0]})}).columns
    ['symbol', 'session', 'a', 'b']
    """
    (first, whole), *others = frames.items()
    for name, frame in others:
        if not frame.select(KEYS).equals(whole.select(KEYS)):
            raise ContractError(_difference(first, whole, name, frame))
        whole = whole.hstack(frame.drop(KEYS).get_columns())
    return whole


def _difference(first: str, whole: pl.DataFrame, name: str, frame: pl.DataFrame) -> str:
    lacking = whole.join(frame, on=KEYS, how="anti").select(KEYS)
    more = frame.join(whole, on=KEYS, how="anti").select(KEYS)
    if len(lacking):
        what = f"{name} lacks {len(lacking)} rows of {first}, such as {lacking['symbol'][0]} at {lacking['session'][0]}"
    elif len(more):
        what = f"{name} has {len(more)} rows more than {first}, such as {more['symbol'][0]} at {more['session'][0]}"
    else:
        what = f"{name} has the rows of {first} in another order or more than once"
    return f"{what}: materialise both for those sessions again"
