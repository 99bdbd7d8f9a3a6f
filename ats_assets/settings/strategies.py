"""What all strategies share, those of options too: how much of the equity each has."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from ats_assets.settings.section import Name

LARGEST_CAPITAL = 10.0
"""Of one strategy, in multiples of equity: as large as `portfolio.max_gross` can be."""
_CAPITAL = TypeAdapter(Annotated[float, Field(ge=0.0, le=LARGEST_CAPITAL, allow_inf_nan=False)])


def shares_of_capital(strategies: Mapping[str, Mapping[str, Any]], *, most: float, section: str = "strategies") -> dict[str, float]:
    """The share of equity of each strategy: its `capital`, by default one over the number of strategies.

    Parameters
    ----------
    strategies
        Name -> the settings as they are written.
    most
        What they may have together.
    section
        Where they are written, for the message.

    Raises
    ------
    ValueError
        If one is no such share, all together have more than `most`, or none has any.

    Examples
    --------
    >>> shares_of_capital({"momentum": {"capital": 0.3}, "model_scores": {}}, most=1.0)
    {'momentum': 0.3, 'model_scores': 0.5}
    """
    shares: dict[str, float] = {}
    for name, values in strategies.items():
        try:
            shares[name] = _CAPITAL.validate_python(values.get("capital", 1.0 / len(strategies)))
        except ValidationError:
            raise ValueError(
                f"{section}.{name}.capital is {values['capital']!r}: give a share of the equity from 0 to {LARGEST_CAPITAL:g}, such as 0.5"
            ) from None
    told, total = ", ".join(f"{name} {share:g}" for name, share in shares.items()), sum(shares.values())
    if total > most + 1e-9:
        raise ValueError(f"the strategies have {total:g} of the equity together ({told}), and {most:g} is the most: lower a capital")
    if not total:
        raise ValueError(f"no strategy has capital ({told}), so nothing would be traded: give one more than 0")
    return shares


def option_capital(strategies: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The share of equity of each strategy of options; none where there are none.

    Raises
    ------
    ValueError
        As `shares_of_capital`, of 1 at most.
    """
    return shares_of_capital(strategies, most=1.0, section="option_strategies") if strategies else {}


def _with_capital(strategies: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    option_capital(strategies)
    return strategies


OptionStrategyTables = Annotated[
    dict[Name, dict[str, Any]],
    AfterValidator(_with_capital),
    Field(
        description="name -> the own settings of a strategy of options; `kind` says which, default: the name; `underlyings` is what it trades, `capital` its "
        "share of option_backtest.initial_cash, default: the same for all"
    ),
]
