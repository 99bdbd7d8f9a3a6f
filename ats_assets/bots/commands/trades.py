"""`/trades`: orders that were filled, with what they cost against the price at which they were decided."""

from decimal import Decimal

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import MISSING, amount
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said, tabled


async def _run(call: GivenCommand) -> Reply:
    rows = await call.service.every("portfolio/orders", 20, state="filled", symbol=call.arguments.get("symbol"))
    if not rows:
        return said("Trades", "No order was filled yet.")
    cells = [
        (
            str(row["session"])[5:],
            row["side"],
            row["symbol"],
            amount(row["filled_quantity"], None),
            amount(row["filled_average_price"]),
            slippage(row),
        )
        for row in rows
    ]
    lines = ("Day of the decision; bp: basis points that it cost against the decision's price.",)
    return said("Newest trades", *lines, table=tabled(("day", "", "symbol", "shares", "price", "bp"), cells, 20))


def slippage(row: "dict[str, str | None]") -> str:
    """Basis points that a fill cost against the price of the decision; negative where it was better.

    Examples
    --------
    >>> slippage({"side": "buy", "decision_price": "100", "filled_average_price": "100.1"})
    '10'
    >>> slippage({"side": "sell", "decision_price": None, "filled_average_price": "100.1"})
    '-'
    """
    decided, filled = row.get("decision_price"), row.get("filled_average_price")
    if not decided or not filled or not Decimal(decided):
        return MISSING
    cost = (Decimal(filled) / Decimal(decided) - 1) * 10_000
    return f"{cost if row['side'] == 'buy' else -cost:.0f}"


COMMAND = Command(
    name="trades",
    role=PersonRole.VIEWER,
    help="Filled orders, and their slippage",
    run=_run,
    arguments=(Argument(name="symbol", help="of one symbol alone", kind="symbol", required=False),),
)
