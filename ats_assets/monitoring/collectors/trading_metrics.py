"""Trading: account, positions, orders, fills and their slippage, halts, the kill switch, alerts, requests, the session loop."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, column, func, inspect, select, table

from ats_assets.monitoring.components import Observed
from ats_assets.monitoring.components.trading_components import positions_behind
from ats_assets.monitoring.growing_table import Tail
from ats_assets.monitoring.live_beat import live_beat
from ats_assets.monitoring.samples import MetricSpec, Samples
from ats_assets.monitoring.trading_facts import HALT_KINDS, SettledAccount, TradingFacts
from ats_assets.monitoring.watch import Watch
from ats_assets.trade_state.kill_switch import KillSwitch
from ats_assets.trade_state.tables import audit, fills, intents

CURRENCY = "in the account's currency"
METRICS = (
    MetricSpec(name="ats_account_equity", text=f"As settled last, {CURRENCY}.", most=1),
    MetricSpec(name="ats_account_cash", text=f"As settled last, {CURRENCY}.", most=1),
    MetricSpec(name="ats_account_buying_power", text=f"As settled last, {CURRENCY}.", most=1),
    MetricSpec(name="ats_account_session_profit", text=f"Change of equity since the session before, {CURRENCY}.", most=1),
    MetricSpec(name="ats_account_settled_timestamp_seconds", text="Close of the session that was settled last.", most=1),
    MetricSpec(name="ats_positions_late_sessions", text="Sessions that should be settled by now, with orders.enabled.", most=1),
    MetricSpec(name="ats_positions", text="Held, by their sign.", labels=("side",), most=2),
    MetricSpec(name="ats_exposure_ratio", text="Value of the positions, as a share of equity.", labels=("kind",), most=4),
    MetricSpec(name="ats_largest_position_ratio", text="Of the largest position by its value, as a share of equity.", most=1),
    MetricSpec(
        name="ats_position_value",
        text=f"Signed, {CURRENCY}, of the largest positions (monitoring.positions_shown); `other` is the rest.",
        labels=("symbol",),
        most=101,
    ),
    MetricSpec(name="ats_orders", text="Intents of all time by the state in which they are.", labels=("state",), most=16),
    MetricSpec(name="ats_trading_events_total", text="Lines of the audit trail.", kind="counter", labels=("event",), most=40),
    MetricSpec(name="ats_fills_total", text="Executions.", kind="counter", most=1),
    MetricSpec(name="ats_last_fill_timestamp_seconds", text="Of the newest execution.", most=1),
    MetricSpec(name="ats_session_fills", text="Executions of the newest day that has any.", most=1),
    MetricSpec(name="ats_session_traded_value", text=f"Value of these, {CURRENCY}.", most=1),
    MetricSpec(name="ats_session_fees", text=f"Fees of these, {CURRENCY}.", most=1),
    MetricSpec(
        name="ats_session_slippage_ratio",
        text="Of these against the prices at which they were decided, as a share of the value traded; positive: it cost.",
        most=1,
    ),
    MetricSpec(name="ats_slippage_warning_ratio", text="Above which it is a warning (orders.slippage_warning_bps).", most=1),
    MetricSpec(name="ats_halted", text="Whether trading is halted, by why.", labels=("kind",), most=8),
    MetricSpec(name="ats_halts_total", text="Halts of all time.", kind="counter", labels=("kind",), most=8),
    MetricSpec(name="ats_kill_switch_on", text="Whether it stops all orders.", most=1),
    MetricSpec(name="ats_executor_at_work", text="Whether an executor holds the lease.", most=1),
    MetricSpec(name="ats_watch_timestamp_seconds", text="When ats orders watch has looked last.", labels=("strategy",), most=4),
    MetricSpec(name="ats_alerts_waiting", text="Alerts that a route has not accepted yet.", labels=("route",), most=20),
    MetricSpec(name="ats_alert_route_failing", text="Whether the route accepts no alerts now.", labels=("route",), most=20),
    MetricSpec(name="ats_requests", text="What people asked for by the state in which it is.", labels=("state",), most=10),
    MetricSpec(name="ats_session_loop_timestamp_seconds", text="When the session loop has written last.", most=1),
)
REQUESTS = table("requests", column("state"))


def collect(watch: Watch, observed: Observed, samples: Samples) -> None:
    """Add them."""
    samples.put("ats_kill_switch_on", KillSwitch.of(watch.deployment.settings.orders).reason() is not None)
    facts = observed.trading
    stamp = watch.stamp("trading", observed.now)
    events = watch.kept.get("audit", "always", lambda: _audit_tail(watch))
    day, requested, beat = watch.kept.get("trading tables", stamp, lambda: _tables(watch, events, facts.last_fill))
    if facts.account is not None:
        _account(watch, observed, facts.account, samples)
    for state, count in facts.intents.items():
        samples.put("ats_orders", count, state)
    for event, count in events.counts.most_common():
        samples.put("ats_trading_events_total", count, str(event))
    samples.put("ats_fills_total", facts.fills)
    samples.put("ats_last_fill_timestamp_seconds", facts.last_fill and facts.last_fill.timestamp())
    for name, value in day.items():
        samples.put(name, value)
    samples.put("ats_slippage_warning_ratio", watch.deployment.settings.orders.slippage_warning_bps / 10_000)
    _stops(facts, samples)
    samples.put("ats_executor_at_work", facts.executor is not None and facts.executor[1] > observed.now)
    for strategy, at in facts.attended.items():
        samples.put("ats_watch_timestamp_seconds", at.timestamp(), strategy)
    for route in watch.deployment.settings.alerts.routes:
        samples.put("ats_alerts_waiting", facts.waiting_alerts.get(route, 0), route)
        samples.put("ats_alert_route_failing", route in facts.failing_routes, route)
    for state, count in requested.items():
        samples.put("ats_requests", count, state)
    samples.put("ats_session_loop_timestamp_seconds", None if beat is None else beat.at.timestamp())


def _stops(facts: TradingFacts, samples: Samples) -> None:
    open_kinds = {halt.kind for halt in facts.halts}
    for kind in dict.fromkeys([*HALT_KINDS.values(), "other"]):
        samples.put("ats_halted", kind in open_kinds, kind)
        samples.put("ats_halts_total", facts.halts_ever.get(kind, 0), kind)


def _account(watch: Watch, observed: Observed, account: SettledAccount, samples: Samples) -> None:
    calendar, equity = watch.deployment.calendar, account.equity
    samples.put("ats_account_equity", float(equity))
    samples.put("ats_account_cash", float(account.cash))
    samples.put("ats_account_buying_power", float(account.buying_power))
    samples.put("ats_account_session_profit", None if account.equity_before is None else float(equity - account.equity_before))
    settled = calendar.closes_at(account.session) if calendar.is_session(account.session) else account.at
    samples.put("ats_account_settled_timestamp_seconds", settled.timestamp())
    samples.put("ats_positions_late_sessions", positions_behind(observed, account))
    values = account.value
    long = sum((value for value in values.values() if value > 0), Decimal())
    short = -sum((value for value in values.values() if value < 0), Decimal())
    samples.put("ats_positions", sum(value > 0 for value in values.values()), "long")
    samples.put("ats_positions", sum(value < 0 for value in values.values()), "short")
    if equity > 0:
        for kind, value in {"long": long, "short": short, "gross": long + short, "net": long - short}.items():
            samples.put("ats_exposure_ratio", float(value / equity), kind)
        samples.put("ats_largest_position_ratio", float(max(map(abs, values.values()), default=Decimal()) / equity))
    shown = sorted(values, key=lambda symbol: (-abs(values[symbol]), symbol))
    most = watch.deployment.settings.monitoring.positions_shown
    for symbol in shown[:most]:
        samples.put("ats_position_value", float(values[symbol]), symbol)
    samples.put("ats_position_value", float(sum((values[symbol] for symbol in shown[most:]), Decimal())), "other")


def _tables(watch: Watch, events: Tail, last_fill: datetime | None) -> tuple[dict[str, float | None], dict[str, int], Any]:
    """What is read beside the facts: the newest day's fills, requests, the session loop; and the audit trail is followed."""
    events.look()
    with watch.reader.begin() as connection:
        day = _day_of_fills(connection, last_fill)
        requested: dict[str, int] = {}
        if inspect(connection).has_table(REQUESTS.name):
            rows = connection.execute(select(REQUESTS.c.state, func.count()).group_by(REQUESTS.c.state)).all()
            requested = {row[0]: row[1] for row in rows}
        return day, requested, live_beat(connection, watch.deployment.settings.orders.strategy)


def _day_of_fills(connection: Connection, last: datetime | None) -> dict[str, float | None]:
    """Of the day (UTC) of the newest fill; those that are not ours have no price at which they were decided."""
    if last is None:
        return {}
    begins = datetime.combine(last.date(), datetime.min.time(), UTC)
    chosen = select(fills.c.quantity, fills.c.price, fills.c.fees, fills.c.side, fills.c.multiplier, intents.c.decision_price)
    joined = chosen.join(intents, intents.c.client_order_id == fills.c.intent_id, isouter=True)
    rows = connection.execute(joined.where(fills.c.at >= begins, fills.c.at < begins + timedelta(days=1))).all()
    value, cost, decided = Decimal(), Decimal(), Decimal()
    for row in rows:
        size = row.quantity * (row.multiplier or 1)
        value += abs(size * row.price)
        if row.decision_price:
            sign = 1 if row.side == "buy" else -1
            cost += sign * (row.price - row.decision_price) * abs(size)
            decided += abs(size * row.decision_price)
    return {
        "ats_session_fills": len(rows),
        "ats_session_traded_value": float(value),
        "ats_session_fees": float(sum((row.fees for row in rows), Decimal())),
        "ats_session_slippage_ratio": float(cost / decided) if decided else None,
    }


def _audit_tail(watch: Watch) -> Tail:
    def since(number: int) -> Sequence[tuple[int, bool, str, float]]:
        with watch.reader.begin() as connection:
            rows = connection.execute(select(audit.c.id, audit.c.what).where(audit.c.id > number).order_by(audit.c.id))
            return [(row.id, True, row.what, 0.0) for row in rows]

    return Tail(since)
