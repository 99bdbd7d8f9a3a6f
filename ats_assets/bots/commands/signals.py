"""`/signals`: the newest session's signals, the best first."""

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import as_percent, word
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said, tabled


async def _run(call: GivenCommand) -> Reply:
    most = int(call.arguments.get("most", "15"))
    answer = await call.service.read("signals", session=call.arguments.get("session"), limit=most)
    rows = [
        (row["symbol"], word(row["direction"]), as_percent(row["probability"], 0), as_percent(row["target_weight"]))
        for row in answer["data"]
    ]
    lines = [f"For the open of {answer['for_open_of']}. Held for {answer['holding_sessions']} sessions at most."]
    if answer.get("champion"):
        lines.append(f"Model: {answer['champion']}")
    several = sorted({row["strategy"] for row in answer["data"]})
    if len(several) > 1:
        rows = [(row["strategy"], *cells) for row, cells in zip(answer["data"], rows, strict=True)]
    columns = (*(("strategy",) if len(several) > 1 else ()), "symbol", "side", "right", "target")
    return said(f"Signals of {answer['session']}", *lines, table=tabled(columns, rows, most))


COMMAND = Command(
    name="signals",
    role=PersonRole.VIEWER,
    help="The newest signals, best first",
    run=_run,
    arguments=(
        Argument(name="most", help="how many, 15 unless told otherwise", kind="count", required=False, most=100),
        Argument(name="session", help="at whose close they were made", kind="day", required=False),
    ),
)
