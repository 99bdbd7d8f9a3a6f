"""How far trading may change a position: what is held for a strategy that has no signals stays as it is, or is made smaller where a risk rule or the brake says so.

A position that stays is held at what the account has of it, in shares, whatever weight it is reckoned at: so nothing is bought or sold for what rounding, costs or an order that was filled in part have
left between the two. The limits of the account on weights hold of it as of any position inside the no-trade band.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

from ats_assets.kernels.kernel import kernel
from ats_assets.portfolio.account import Indices
from ats_assets.portfolio.order_limits import Codes

COLUMN: Final = "allowed_change"
"""Of the targets; without it any change is allowed."""
ANY, SMALLER, NONE = 0, 1, 2
"""What kernels call them."""
NAMES: Final[Mapping[str, int]] = {"any": ANY, "smaller": SMALLER, "none": NONE}


def change_codes(targets: pl.DataFrame) -> Codes:
    """The codes of rows of targets, of shape (n_rows,).

    Examples
    --------
    >>> change_codes(pl.DataFrame({"allowed_change": ["any", "none"]})).tolist(), change_codes(pl.DataFrame({"symbol": ["A"]})).tolist()
    ([0, 2], [0])
    """
    if COLUMN not in targets.columns:
        return np.zeros(targets.height, dtype=np.int64)
    return targets[COLUMN].fill_null("any").replace_strict(NAMES, return_dtype=pl.Int64).to_numpy()


@kernel
def change_of_others(codes: Codes) -> int:
    """What is allowed of a position that a session's targets do not name: it is to leave, but where all rest it stays, too.

    Parameters
    ----------
    codes
        Of all rows of the session.

    Examples
    --------
    >>> change_of_others(np.array([NONE, SMALLER])), change_of_others(np.array([NONE, ANY])), change_of_others(np.array([], dtype=np.int64))
    (2, 0, 0)
    """
    for code in codes:
        if code == ANY:
            return ANY
    return NONE if len(codes) else ANY


@kernel
def changes_of_all(n: int, columns: Indices, codes: Codes) -> Codes:
    """What is allowed of each of n positions at a session: of those that its targets name what they say, of all others `change_of_others`.

    Parameters
    ----------
    columns, codes
        Of the rows of the session: the position of each, and what is allowed of it.

    Examples
    --------
    >>> changes_of_all(3, np.array([2]), np.array([SMALLER])).tolist(), changes_of_all(3, np.array([0, 2]), np.array([NONE, ANY])).tolist()
    ([2, 2, 1], [2, 0, 0])
    """
    changes = np.full(n, change_of_others(codes))
    for k in range(len(codes)):
        changes[columns[k]] = codes[k]
    return changes


@kernel
def change_under_brake(code: int, weight: float, exposure: float) -> int:
    """What is allowed where the brake leaves a share of the weights: what stays may be made smaller, and leaves where nothing is to be held, though its weight be not known.

    Examples
    --------
    >>> change_under_brake(NONE, 0.2, 0.5), change_under_brake(NONE, 0.2, 1.0), change_under_brake(ANY, 0.2, 0.5)
    (1, 2, 0)
    >>> change_under_brake(NONE, 0.0, 0.5), change_under_brake(NONE, 0.0, 0.0)
    (2, 1)
    """
    return SMALLER if code == NONE and exposure < 1.0 and (weight != 0.0 or exposure <= 0.0) else code


@kernel
def weight_allowed(current: float, target: float, code: int) -> float:
    """The weight to aim at.

    Parameters
    ----------
    current
        What is held; NaN where the account has no equity.
    target
        What is wanted, or the most that may be held of what can only be made smaller.

    Examples
    --------
    >>> weight_allowed(0.3, 0.2, ANY), weight_allowed(0.3, 0.2, NONE), weight_allowed(0.3, 0.2, SMALLER), weight_allowed(0.1, 0.2, SMALLER)
    (0.2, 0.3, 0.2, 0.1)
    >>> weight_allowed(-0.1, 0.2, SMALLER), weight_allowed(-0.1, 0.0, SMALLER)
    (-0.1, 0.0)
    """
    if code == ANY:
        return target
    held = 0.0 if np.isnan(current) else current
    if code == NONE or (target != 0.0 and (held * target <= 0.0 or abs(held) <= abs(target))):
        return held
    return target
