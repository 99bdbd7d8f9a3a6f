"""`ats orders report`: execution quality as one HTML file."""

import sys
import webbrowser
from datetime import date

from ats_assets.books.recorded_books import recorded_books
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.execution.choosing import chosen_broker
from ats_assets.impact.schema import FIT, FIT_SCHEMA, TRADED_COSTS
from ats_assets.orders.trading_costs.cost_schemas import COSTS_SCHEMA
from ats_assets.orders.trading_costs.stored_estimate import expected_costs
from ats_assets.reports.execution_report import execution_report
from ats_assets.reports.impact_blocks import OrderCosts
from ats_assets.runs.progress import LongJob
from ats_assets.runs.writing import say
from ats_assets.settings import load_settings
from ats_assets.storage.atomic_file import replace_file


def report(*, open_it: bool) -> None:
    """Write the report of execution quality, and print its path."""
    deployment = Deployment(load_settings())
    warehouse, settings = deployment.warehouse, deployment.settings
    sessions = warehouse.stored_sessions("execution_quality")
    if not sessions:
        raise AtsError("no session has been traded yet: run ats trade first")
    with LongJob("ats orders report"):
        page = _page(deployment, sessions)
    path = settings.storage.data / "reports" / "execution.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, lambda file: file.write(page.encode()))
    sys.stdout.write(f"{path}\n")
    if open_it and not webbrowser.open(path.as_uri()):
        say(f"no browser could be started: open {path}")


def _page(deployment: Deployment, sessions: list[date]) -> str:
    """What is stored of those sessions, as HTML."""
    warehouse, settings = deployment.warehouse, deployment.settings
    account = warehouse.read("account", sessions)
    live = deployment.of(chosen_broker).is_live
    tested = warehouse.part("backtest", "equity").is_file()
    return execution_report(
        account,
        warehouse.read("execution_quality", sessions),
        broker=str(account["broker"][-1]),
        live=live,
        positions=warehouse.read("positions", sessions[-1:]),
        backtest=warehouse.read_part("backtest", "equity").select("session", "equity") if tested else None,
        books=recorded_books(deployment, sessions) if settings.has_books else None,
        costs=_trading_costs(deployment) if settings.impact.is_on else None,
    )


def _trading_costs(deployment: Deployment) -> OrderCosts:
    """What is stored of them."""
    warehouse, schemas = deployment.warehouse, {TRADED_COSTS: COSTS_SCHEMA, FIT: FIT_SCHEMA}
    stored = {name: warehouse.stored_sessions(name) for name in schemas}
    frames = {name: warehouse.read(name, days) if days else schemas[name].to_frame() for name, days in stored.items()}
    return OrderCosts(costs=frames[TRADED_COSTS], fits=frames[FIT], expected=expected_costs(deployment))
