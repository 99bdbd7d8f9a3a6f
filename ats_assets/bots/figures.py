"""Figures of the service as people read them on a phone: exact decimals stay exact, shares are percent, times are in UTC."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

MISSING = "-"


def amount(value: object, places: int | None = 2) -> str:
    """An exact decimal with its thousands apart, to so many places; None: as many as say something.

    Examples
    --------
    >>> amount("104233.1"), amount("-0.1250", None), amount("1500.0", None), amount(None), amount(3)
    ('104,233.10', '-0.125', '1,500', '-', '3.00')
    """
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return MISSING
    if not number.is_finite():
        return MISSING
    return f"{number.normalize():,f}" if places is None else f"{number:,.{places}f}"


def as_percent(value: object, places: int = 1) -> str:
    """A share as percent.

    Examples
    --------
    >>> as_percent(0.0787), as_percent("-0.1", 0), as_percent(None)
    ('7.9%', '-10%', '-')
    """
    try:
        number = float(str(value))
    except ValueError:
        return MISSING
    return f"{100 * number:.{places}f}%" if number - number == 0 else MISSING


def moment(value: object) -> str:
    """A time to the minute, in UTC.

    Examples
    --------
    >>> moment("2023-12-29T21:00:00Z"), moment(None)
    ('2023-12-29 21:00', '-')
    """
    try:
        return datetime.fromisoformat(str(value)).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return MISSING


def word(value: object) -> str:
    """A text, or a dash.

    Examples
    --------
    >>> word("flat"), word(None), word(True)
    ('flat', '-', 'yes')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    return MISSING if value is None or value == "" else str(value)


def sum_of(rows: "list[Mapping[str, Any]]", field: str) -> Decimal | None:
    """The sum of an exact field over rows; None where a row has none, since a sum of some would be another one.

    Examples
    --------
    >>> sum_of([{"profit": "1.10"}, {"profit": "-0.10"}], "profit"), sum_of([{"profit": None}], "profit")
    (Decimal('1.00'), None)
    """
    values = [row.get(field) for row in rows]
    return None if any(value is None for value in values) else sum((Decimal(str(value)) for value in values), Decimal(0))


def week_of(day: str) -> str:
    """The Monday of a day's week.

    Examples
    --------
    >>> week_of("2024-03-07")
    '2024-03-04'
    """
    found = date.fromisoformat(day)
    return (found - timedelta(days=found.weekday())).isoformat()


def stops(found: Mapping[str, Any]) -> list[str]:
    """What stops trading, a line each, of the account as the service tells it; none where nothing does.

    Examples
    --------
    >>> stops({"halted": None, "kill_switch": "data/KILL exists", "trading_blocked": False})
    ['KILL SWITCH: data/KILL exists']
    """
    halted = found.get("halted")
    lines = []
    if isinstance(halted, dict):
        lines.append(f"HALTED since {moment(halted.get('since'))}: {halted.get('reason')}")
    if found.get("kill_switch"):
        lines.append(f"KILL SWITCH: {found['kill_switch']}")
    if found.get("trading_blocked"):
        lines.append("The broker has blocked trading.")
    return lines
