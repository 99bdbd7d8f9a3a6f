"""`/report`: the figures of the backtests, and the reports that there are."""

from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import as_percent, moment, word
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said


async def _run(call: GivenCommand) -> Reply:
    lines: list[str] = []
    for one in (await call.service.read("backtests"))["data"]:
        lines.append(f"{one['name']}, {one['title']}: {word(one['first'])} to {word(one['last'])}")
        figures = [
            f"return {as_percent(one['total_return'])}, {as_percent(one['annual_return'])} a year",
            f"Sharpe {_ratio(one['sharpe'])}",
            f"drawdown {as_percent(one['max_drawdown'])}",
            f"costs {as_percent(one['costs_a_year'])} a year",
        ]
        lines.append("  " + ", ".join(figures))
    reports = (await call.service.read("reports"))["data"]
    lines += [f"{one['name']}: {call.service.address}/api/v1/reports/{one['name']} of {moment(one['made_at'])}" for one in reports]
    return said("Reports", *(lines or ["There is no backtest yet: ats run makes one."]))


def _ratio(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) else "-"


COMMAND = Command(name="report", role=PersonRole.VIEWER, help="The figures of the backtests, and where their reports are", run=_run)
