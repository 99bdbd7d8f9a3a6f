"""`/performance`: where the profit came from, by symbol, by strategy (its book) or by side."""

from decimal import Decimal

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import amount, as_percent, moment
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said, tabled


async def _run(call: GivenCommand) -> Reply:
    by = call.arguments.get("by", "symbol")
    since = call.arguments.get("since") or await _first_session(call)
    found = await call.service.read("portfolio/attribution", **{"by": "book" if by == "strategy" else by, "from": since})
    rows = sorted(found["data"], key=lambda row: -Decimal(row["profit"] or "0"))
    cells = [(row["part"], amount(row["profit"]), as_percent(row["return"], 2)) for row in rows]
    line = f"{moment(found['start'])} to {moment(found['end'])} UTC: {amount(found['profit'])}"
    return said(f"Performance by {by}", line, table=tabled((by, "profit", "of equity"), cells, 25))


async def _first_session(call: GivenCommand) -> str | None:
    points = (await call.service.read("portfolio/equity"))["data"]
    return next((point["session"] for point in points if point["session"]), None)


COMMAND = Command(
    name="performance",
    role=PersonRole.VIEWER,
    help="Profit by symbol, strategy or side",
    run=_run,
    arguments=(
        Argument(name="by", help="symbol, unless told otherwise", kind="choice", choices=("symbol", "strategy", "side"), required=False),
        Argument(name="since", help="first session; the first traded unless told otherwise", kind="day", required=False),
    ),
)
