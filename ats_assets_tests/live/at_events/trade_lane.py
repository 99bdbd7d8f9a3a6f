"""A small market of trades, the graph's lane of events over it, and its last session played through the loop."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ats_assets.alerts import Alert
from ats_assets.calendar import SessionCalendar
from ats_assets.deployment import Deployment
from ats_assets.intraday.choosing import session_hours
from ats_assets.intraday.schema import NANOSECONDS, RAW_TRADES_SCHEMA
from ats_assets.intraday.trade_screening import screen_trades
from ats_assets.live.service import Replayed, ReplayOrder, replay
from ats_assets.live.stream import StreamEvent
from ats_assets.settings import load_settings
from ats_assets_tests.events.lanes import EVENT_TRAINING, changed
from ats_assets_tests.small_market import run_job

CALENDAR = SessionCalendar()
DAYS = CALENDAR.sessions(date(2024, 3, 4), date(2024, 3, 12))
DAY = DAYS[-1]
SYMBOLS = ("AAA", "BBB")
FOREST = {"kind": "random_forest", "trees": 8, "max_depth": 4, "min_samples_leaf": 5}
FAMILY = """
frame = "{frame}"
[features]
REV5 = "$close / Ref($close, 5) - 1"
DEV = "$close / Mean($close, 10) - 1"
RATE = "$ticks / Mean($ticks, 10)"
"""


def raw_day(day: date, symbol: str, n: int = 1_200) -> pl.DataFrame:
    """Trades of a session that come back to their mean; some share an instant, some set no price, some are outside of the hours."""
    random = np.random.default_rng([day.toordinal(), *symbol.encode()])
    path = np.zeros(n)
    for i in range(1, n):
        path[i] = 0.99 * path[i - 1] + 4e-4 * random.standard_normal()
    opens = int(CALENDAR.opens_at(day).timestamp()) * 10**9
    length = int((CALENDAR.closes_at(day) - CALENDAR.opens_at(day)).total_seconds()) * 10**9
    at = opens + np.sort(random.integers(-length // 50, length + length // 50, n))
    same = np.flatnonzero(random.random(n) < 0.1)[1:]
    at[same] = at[same - 1]
    rows = pl.DataFrame(
        {
            "symbol": [symbol] * n,
            "session": [day] * n,
            "at": pl.Series(at).cast(NANOSECONDS),
            "price": np.round(50.0 * np.exp(path), 2),
            "size": random.integers(1, 5, n) * 100.0,
            "exchange": ["V"] * n,
            "conditions": [["@", "I"] if odd else ["@"] for odd in random.random(n) < 0.05],
            "trade_id": [str(i) for i in range(n)],
            "tape": ["C"] * n,
            "sequence": np.arange(n),
            "part": np.zeros(n, np.int32),
        }
    )
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in RAW_TRADES_SCHEMA.items()
    )


def lane_of_trades(root: Path, frame: str, sampler: Mapping[str, Any], **changes: Mapping[str, Any]) -> Deployment:
    """The settings of the lane; `changes` by section."""
    families = root / "features"
    families.mkdir(parents=True, exist_ok=True)
    (families / "fast.toml").write_text(FAMILY.format(frame=frame), encoding="utf-8")
    (families / "slow.toml").write_text('frame = "ten_minutes"\n[features]\nTREND = "$close / Mean($close, 4) - 1"\n', encoding="utf-8")
    barriers = {"min_volatility_bars": 5, "volatility_span_bars": 10}
    sections: dict[str, Any] = {
        "calendar": {"exchange": "XNYS", "first_session": date(2024, 3, 1)},
        "storage": {"warehouse": root / "warehouse", "models": root / "models", "data": root / "data", "fsync": False},
        "features": {"folder": families},
        "intraday": {"trades": {"path": "trades"}, "lookback_sessions": 1},
        "samplers": {frame: sampler, "ten_minutes": {"kind": "time", "seconds": 600}},
        "events": {
            "frame": frame,
            "cusum": {"threshold": 0.5} | barriers,
            "barriers": {"gain": 2.0, "loss": 2.0, "horizon_bars": 6} | barriers,
        },
        "microstructure": {"frame": frame, "window_bars": 10},
        "bar_regimes": {"frame": "ten_minutes", "train_sessions": 2, "min_bars": 50, "filter_bars": 20, "match_fits": 1, "starts": 1},
        "event_training": EVENT_TRAINING,
        "event_models": {"direction": FOREST, "meta": FOREST | {"judges": "direction"}},
        "event_backtest": {"min_probability": 0.4},
        "live": {"events": {"enabled": True, "symbols": SYMBOLS, "capital_share": 0.5}, "quotes": False, "symbols": SYMBOLS},
        "mlflow": {"enabled": False},
    }
    deployment = Deployment(load_settings(**changed(sections, changes)))
    deployment.asked_sessions = tuple(DAYS)
    return deployment


def deliver(deployment: Deployment, days: Sequence[date]) -> None:
    """What a source of ticks would have delivered, and what is accepted of it."""
    for day in days:
        raw = pl.concat([raw_day(day, symbol) for symbol in SYMBOLS])
        deployment.warehouse.write("raw_trades", day, raw)
        accepted, _ = screen_trades(raw, session_hours(deployment), deployment.settings.intraday.screening)
        deployment.warehouse.write("trades", day, accepted)


def assets_of(deployment: Deployment) -> list[str]:
    """Those of the lane that are made of trades."""
    settings, models = deployment.settings, [*deployment.settings.event_models]
    more = [f"{name}_labels" for name, own in settings.event_models.items() if own.get("judges") not in {None, "rule"}]
    named = [*settings.samplers, *settings.event_training.families, "events", "event_labels", *more]
    return [*named, *(f"{name}_{what}" for name in models for what in ("model", "predictions"))]


def made(deployment: Deployment, days: Sequence[date]) -> None:
    """The lane of some sessions, by the graph."""
    run_job(deployment, "history", days, assets_of(deployment))


def played(
    deployment: Deployment,
    state: Path,
    *mishaps: Mapping[str, Any],
    held: Mapping[str, float] | None = None,
    kill_at: tuple[int | datetime, type[Exception]] | None = None,
    stop_at: int | datetime | None = None,
) -> Replayed:
    """The last session, through the loop; it is killed, or stopped, after so many steps, or at a time."""
    steps, now = [0], [CALENDAR.opens_at(DAY) - timedelta(hours=1)]

    def reached(at: int | datetime | None) -> bool:
        return at is not None and (now[0] >= at if isinstance(at, datetime) else steps[0] >= at)

    def on_step(event: StreamEvent, _step: object) -> None:
        steps[0], now[0] = steps[0] + 1, event.known_at
        if kill_at is not None and reached(kill_at[0]):
            raise kill_at[1]

    order = ReplayOrder(settings={"mishaps": mishaps}, state=state, held=held or {}, cash=100_000.0)
    return replay(deployment, DAY, order, stopped=lambda: reached(stop_at), alert=ALERTS.append, on_step=on_step)


ALERTS: list[Alert] = []
