"""`/close`: ask for an order that closes what is held of a symbol, once it is confirmed. The next plan may open it again: plans follow the signals."""

from decimal import Decimal

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.confirmations import Proposal
from ats_assets.bots.figures import amount
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply
from ats_assets.errors import BotError


async def _run(call: GivenCommand) -> Reply:
    symbol = call.arguments["symbol"]
    rows = (await call.service.read("portfolio/positions"))["data"]
    held = next((Decimal(row["quantity"]) for row in rows if row["symbol"] == symbol), Decimal(0))
    if not held:
        raise BotError(f"nothing is held of {symbol}: /portfolio lists what is")
    side, quantity = ("sell", held) if held > 0 else ("buy", -held)
    body = {"symbol": symbol, "side": side, "quantity": f"{quantity.normalize():f}", "kind": "market"}
    summary = (
        f"{side.capitalize()} {amount(quantity, None)} {symbol} at the market: all that is held, on the paper account.",
        "Open orders stay, and the next plan follows the signals again.",
    )
    return await call.propose(Proposal(kind="place_order", body=body, summary=summary))


COMMAND = Command(
    name="close",
    role=PersonRole.TRADER,
    help="Ask for an order that closes a position",
    run=_run,
    arguments=(Argument(name="symbol", help="as /portfolio lists it", kind="symbol"),),
    confirmed=1,
)
