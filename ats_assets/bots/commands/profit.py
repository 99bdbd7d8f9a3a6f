"""`/profit`: by day, week or month: what the account brought, without what was paid in or out."""

from collections.abc import Mapping, Sequence
from typing import Any

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import amount, as_percent, sum_of, week_of
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said, tabled

_ROWS = {"daily": 10, "weekly": 10, "monthly": 12}


async def _run(call: GivenCommand) -> Reply:
    period = call.arguments.get("period", "daily")
    points = [row for row in (await call.service.read("portfolio/equity"))["data"] if row["session"] and row["profit"] is not None]
    if not points:
        return said("Profit", "No session was traded yet.")
    spans = by_period(points, period)[-_ROWS[period] :][::-1]
    cells = [(label, amount(sum_of(rows, "profit")), as_percent(compounded(rows), 2)) for label, rows in spans]
    whole = f"Since {points[0]['session']}: {amount(sum_of(points, 'profit'))}, {as_percent(compounded(points), 2)}"
    return said(f"Profit, {period}", whole, table=tabled((period[:-2] if period != "daily" else "day", "profit", "return"), cells, 12))


def by_period(points: Sequence[Mapping[str, Any]], period: str) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """The points of each day, week (by its Monday) or month, in their order.

    Examples
    --------
    >>> [(label, len(rows)) for label, rows in by_period([{"session": day} for day in ("2024-02-29", "2024-03-01", "2024-03-04")], "weekly")]
    [('2024-02-26', 2), ('2024-03-04', 1)]
    """
    label = {"daily": str, "weekly": week_of, "monthly": lambda day: day[:7]}[period]
    found: dict[str, list[Mapping[str, Any]]] = {}
    for point in points:
        found.setdefault(label(point["session"]), []).append(point)
    return list(found.items())


def compounded(points: Sequence[Mapping[str, Any]]) -> float | None:
    """The return over several points; None where one has none.

    Examples
    --------
    >>> round(compounded([{"return": 0.1}, {"return": -0.1}]), 6), compounded([{"return": None}])
    (-0.01, None)
    """
    whole = 1.0
    for point in points:
        if point["return"] is None:
            return None
        whole *= 1.0 + point["return"]
    return whole - 1.0


COMMAND = Command(
    name="profit",
    role=PersonRole.VIEWER,
    help="Profit by day, week or month",
    run=_run,
    arguments=(
        Argument(name="period", help="daily, unless told otherwise", kind="choice", choices=("daily", "weekly", "monthly"), required=False),
    ),
    aliases={name: {"period": name} for name in ("daily", "weekly", "monthly")},
)
