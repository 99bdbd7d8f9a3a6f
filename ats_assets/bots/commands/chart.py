"""`/chart`: a symbol's candles with entries and exits, as a picture that the service draws."""

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Picture, Reply, said


async def _run(call: GivenCommand) -> Reply:
    symbol, sessions = call.arguments["symbol"], call.arguments.get("sessions", "120")
    content = await call.service.picture(f"charts/{symbol.replace('/', '%2F')}.png", sessions=sessions)
    shows = f"{symbol}, the newest {sessions} sessions: candles, entries and exits"
    return said(symbol, picture=Picture(content=content, name=f"{symbol.replace('/', '-')}.png", shows=shows))


COMMAND = Command(
    name="chart",
    role=PersonRole.VIEWER,
    help="Candles of a symbol with entries and exits",
    run=_run,
    arguments=(
        Argument(name="symbol", help="as in the bars, such as AAPL", kind="symbol"),
        Argument(name="sessions", help="how many, 120 unless told otherwise", kind="count", required=False, most=500),
    ),
)
