"""What an operator takes and gives while expressions are compiled."""

from dataclasses import dataclass, replace
from enum import Enum


class ValueKind(Enum):
    """What a series holds."""

    CONDITION = "condition"
    SINGLE = "float32"
    DOUBLE = "float64"


@dataclass(frozen=True, slots=True)
class Series:
    """A lowered expression.

    Parameters
    ----------
    missing_without_row
        It is missing in every session in which the symbol has no row. Windows over other series must look where their first row is.
    missing_without_rows
        It is missing where the symbol has no row in all the sessions that it looks back on.
    symbol
        The symbol whose rows it is made of; None: each symbol's own.
    ahead
        The value for a session is that of the node so many sessions later.
    """

    node: int
    kind: ValueKind
    missing_without_row: bool
    missing_without_rows: bool
    symbol: str | None = None
    ahead: int = 0

    @property
    def is_condition(self) -> bool:
        """Whether it says, by 1 or 0, that something holds."""
        return self.kind is ValueKind.CONDITION

    def as_number(self) -> "Series":
        """A condition as the numbers 1 and 0."""
        return replace(self, kind=ValueKind.SINGLE) if self.is_condition else self


Operand = Series | float
"""A value, or a number that is the same on every row."""
