"""`/risk`: how risky what is held is, by the returns that today's weights would have had."""

from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import MISSING, as_percent
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said, tabled


async def _run(call: GivenCommand) -> Reply:
    found = await call.service.read("portfolio/risk")
    if not found["sessions"]:
        return said("Risk", "Nothing is held that has bars.")
    beta = MISSING if found["beta"] is None else f"{found['beta']:.2f}"
    lines = [
        f"Volatility {as_percent(found['volatility_year'])} a year, beta {beta} to the mean of all symbols",
        f"In 5 of 100 sessions worse than {as_percent(found['value_at_risk_95'])}, then {as_percent(found['expected_shortfall_95'])} on average",
        f"{found['sessions']} sessions, {found['first']} to {found['last']}",
    ]
    if found["without_bars"]:
        lines.append(f"In no figure, for they have no bars: {', '.join(found['without_bars'])}")
    rows = [(one["symbol"], as_percent(one["share"], 0)) for one in found["contributions"]]
    return said("Risk of what is held", *lines, table=tabled(("symbol", "of variance"), rows, 10))


COMMAND = Command(name="risk", role=PersonRole.VIEWER, help="Volatility, tail, beta, and which positions bring the risk", run=_run)
