"""`/order`: ask for one order on the paper account, once it is confirmed. Limits, halts and the kill switch hold for it as for any order."""

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.confirmations import Proposal
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply


async def _run(call: GivenCommand) -> Reply:
    given = call.arguments
    limit = given.get("limit")
    body = {"symbol": given["symbol"], "side": given["side"], "quantity": given["quantity"], "kind": "limit" if limit else "market"}
    price = f"at {limit} or better" if limit else "at the market"
    summary = (f"{given['side'].capitalize()} {given['quantity']} {given['symbol']} {price}, on the paper account.",)
    proposal = Proposal(kind="place_order", body=body | ({"limit_price": limit} if limit else {}), summary=summary)
    return await call.propose(proposal)


COMMAND = Command(
    name="order",
    role=PersonRole.TRADER,
    help="Ask for an order on the paper account",
    run=_run,
    arguments=(
        Argument(name="side", help="buy or sell", kind="choice", choices=("buy", "sell")),
        Argument(name="symbol", help="as in the bars, such as AAPL", kind="symbol"),
        Argument(name="quantity", help="how many shares", kind="amount"),
        Argument(name="limit", help="the worst price; without it: at the market", kind="amount", required=False),
    ),
    confirmed=1,
    aliases={"buy": {"side": "buy"}, "sell": {"side": "sell"}},
)
