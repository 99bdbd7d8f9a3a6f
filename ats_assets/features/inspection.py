"""What an expression needs, told without any data."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from ats_assets.errors import ExpressionError, LookAheadError
from ats_assets.expressions import compile_expressions, parse
from ats_assets.expressions.operators import SIGNS
from ats_assets.expressions.syntax import Binary, Call, Field, walk
from ats_assets.features.terms import expand

FIELDS: Final = frozenset({"open", "high", "low", "close", "volume", "vwap"})
"""The columns of the bars that an expression may name. A test holds them against the bars' contract, whose import would take longer than all of this."""

BAR_FIELDS: Final = FIELDS | {
    "buy_volume",
    "dollar_volume",
    "duration_seconds",
    "effective_spread",
    "hour",
    "order_flow",
    "realised_spread",
    "return",
    "sell_volume",
    "spread",
    "threshold",
    "ticks",
}
"""The same of a bar inside a session: its columns, its `return` on the close before, and the `hour` of the day in UTC at which it was known, with its fraction."""


@dataclass(frozen=True, kw_only=True)
class ExpressionNeeds:
    """What an expression needs: sessions before the current one, columns of the bars, operators (signs among them), sorted."""

    lookback_sessions: int
    fields: tuple[str, ...]
    operators: tuple[str, ...]


def inspect(expression: str, fields: AbstractSet[str] = FIELDS) -> ExpressionNeeds:
    """What a factor of the bars needs.

    Parameters
    ----------
    fields
        The columns that it may name.

    Raises
    ------
    ExpressionError, LookAheadError
        If it is no such factor; the message points at the place.

    Examples
    --------
    >>> from ats_assets.features import inspect
    >>> inspect("Corr($close, Log($volume + 1), 10)")
    ExpressionNeeds(lookback_sessions=9, fields=('close', 'volume'), operators=('Add', 'Corr', 'Log'))
    """
    expand(expression, {}, fields)  # names its fields
    try:
        sessions = compile_expressions({"it": expression}).lookback
    except (ExpressionError, LookAheadError) as error:
        raise type(error)(str(error).removeprefix("it: ")) from None
    nodes = [node for node, _ in walk(parse(expression))]
    return ExpressionNeeds(
        lookback_sessions=sessions,
        fields=tuple(sorted({node.name for node in nodes if isinstance(node, Field)})),
        operators=tuple(
            sorted({node.name if isinstance(node, Call) else SIGNS[node.sign] for node in nodes if isinstance(node, Call | Binary)})
        ),
    )
