"""`/portfolio`: what is held, the largest first."""

from decimal import Decimal

from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import amount, as_percent, moment
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said, tabled


async def _run(call: GivenCommand) -> Reply:
    answer = await call.service.read("portfolio/positions")
    held = sorted(answer["data"], key=lambda row: -abs(Decimal(row["value"] or "0")))
    if not held:
        return said("Portfolio", "Nothing is held.")
    rows = [(row["symbol"], amount(row["quantity"], None), as_percent(row["weight"]), amount(row["unrealised"])) for row in held]
    return said(
        "Portfolio",
        f"{len(held)} positions at {moment(answer['at'])} UTC",
        table=tabled(("symbol", "shares", "weight", "profit"), rows, 40),
    )


COMMAND = Command(
    name="portfolio", role=PersonRole.VIEWER, help="What is held, with weights and open profit", run=_run, aliases={"positions": {}}
)
