"""What tuning has chosen for a model, as the partition of its asset says."""

import json

import polars as pl

from ats_assets.errors import ContractError
from ats_assets.storage.model_record import TunedParameters


def tuned_parameters(rows: pl.DataFrame) -> TunedParameters:
    """The parameters of the trial that was best; none where no trial was.

    Parameters
    ----------
    rows
        A partition of the contract `TuningTrials`.

    Raises
    ------
    ContractError
        If it has not one answer.

    Examples
    --------
    >>> from datetime import date
    >>> day = date(2024, 1, 2)
    >>> rows = {"tuned_session": [day, day], "trial": [0, 1], "parameters": ["{}", '{"leaves": 7}'], "is_chosen": [False, True], "reason": [None, "best"]}
    >>> tuned_parameters(pl.DataFrame(rows)).parameters
    {'leaves': 7}
    """
    chosen = rows.filter("is_chosen")
    if chosen.height != 1:
        raise ContractError(f"{chosen.height} trials of a tuning are the chosen one: make the partition again")
    (row,) = chosen.iter_rows(named=True)
    return TunedParameters(
        session=row["tuned_session"], trial=row["trial"], parameters=json.loads(row["parameters"] or "{}"), reason=row["reason"] or ""
    )
