"""The signals of a session with what became of them: targets and their reasons, champion, and what the backtest holds."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError
from ats_assets.intervals.schema import INTERVALS
from ats_assets.serving.queries.versions_read import joint_version
from ats_assets.strategies.schema import SIGNALS_SCHEMA

Rows = dict[str, Any]
_OF_INTERVAL = ("expected_return", "lower", "upper", "confidence")
_ADDED = {"reasons": pl.List(pl.String), **{name: pl.Float64() for name in _OF_INTERVAL}}
COLUMNS = ("strategy", "symbol", "rank", "score", "direction", "probability", "signal_weight", "target_weight", *_ADDED, "model_session")
"""Of a signal as the service tells it."""


def newest_signals(deployment: Deployment, asked: date | None) -> date:
    """The session that was asked for, else the newest with signals.

    Raises
    ------
    MissingPartitionError
        If there are none at all.
    CalendarError
        If what was asked for is no session.
    """
    if asked is not None:
        deployment.calendar.position(asked)
        return asked
    stored = sorted({day for asset in deployment.signals.values() for day in deployment.valid_sessions(asset)})
    if not stored:
        raise MissingPartitionError(f"there are no signals in {deployment.warehouse.root}: make them with ats run")
    return stored[-1]


def signals_rows(deployment: Deployment, session: date | None) -> Rows:
    """The signals of a session as JSON has them, best first, with the open that they are for; empty without a session.

    Of several strategies each row names its own, and those of one follow those of the other, in the order of the settings.
    """
    if session is None:
        return {}
    frame = signals_and_targets(deployment, session)
    fitted: date | None = frame["model_session"].max()  # pyright: ignore[reportAssignmentType]
    calendar = deployment.calendar
    following = calendar.after(session)
    return {
        "session": session.isoformat(),
        "for_open_of": following.isoformat(),
        "opens_at": calendar.opens_at(following).isoformat(),
        "model_session": fitted.isoformat() if fitted else None,
        "champion": champion_at(deployment, session),
        "backtest": held_against_wanted(deployment, session),
        "holding_sessions": deployment.settings.holding_sessions,
        "signals": frame.drop("session", "model_session").with_columns(pl.col(pl.Float64).fill_nan(None)).to_dicts(),
    }


def champion_at(deployment: Deployment, session: date) -> str | None:
    """The model or ensemble that is champion at a session; None with a single model, or where it is not stored."""
    if len(deployment.settings.candidates) < 2 or not deployment.warehouse.exists("champion", session):
        return None
    found: list[str] = deployment.warehouse.read("champion", [session]).filter("is_champion")["model"].to_list()
    return found[0] if found else None


def signals_and_targets(deployment: Deployment, session: date) -> pl.DataFrame:
    """The signals of a session as people read them: what a signal wants is `signal_weight`, and `target_weight` is what is to be held.

    `target_weight` is the share of equity in the targets, after holding period and risk rules, as orders follow it; null where no targets
    are stored. The stored signals call their own weight so: beside the targets that name would be read as what is traded.
    """
    signals = stored_signals(deployment, session).rename({"target_weight": "signal_weight"})
    if not deployment.warehouse.exists("targets", session):
        return signals.with_columns(target_weight=pl.lit(None, dtype=pl.Float64))
    targets = deployment.warehouse.read("targets", [session], ["symbol", "target_weight"])
    return signals.join(targets, on="symbol", how="left", maintain_order="left")


def held_against_wanted(deployment: Deployment, session: date) -> Rows | None:
    """What the backtest holds at a session against what is wanted, as JSON has it; None where it does not reach there."""
    if not deployment.warehouse.part("backtest", "wanted").is_file():
        return None
    found = deployment.warehouse.read_part("backtest", "wanted").filter(session=session).drop("session").to_dicts()
    return found[0] if found else None


def stored_signals(deployment: Deployment, session: date) -> pl.DataFrame:
    """The signals of each strategy, best first; with a column `strategy` in front where there are several."""
    columns = SIGNALS_SCHEMA.names()  # what strategies say of their weights is among the reasons of the targets
    frames = {
        name: deployment.warehouse.read(asset, [session], columns).sort("rank", "symbol") for name, asset in deployment.signals.items()
    }
    if len(frames) == 1:
        return next(iter(frames.values()))
    return pl.concat(frame.select(pl.lit(name).alias("strategy"), pl.all()) for name, frame in frames.items())


def signal_assets(deployment: Deployment) -> tuple[str, ...]:
    """The assets from which the signals of a session, and what became of them, are told."""
    return (*deployment.signals.values(), "targets", "champion", INTERVALS)


def signals_version(deployment: Deployment, session: date) -> str:
    """The data version behind the signals of a session and what became of them."""
    return joint_version(deployment, ((asset, session) for asset in signal_assets(deployment)))


def signals_answer(deployment: Deployment, session: date, strategy: str | None = None) -> Rows:
    """The signals of a session with everything that is known of each: what its risk rules said, its interval, and its strategy.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
    """
    frame = _told(deployment, session).drop("session")
    fitted: Any = frame["model_session"].max()
    calendar = deployment.calendar
    following = calendar.after(session)
    return {
        "signals": (frame if strategy is None else frame.filter(strategy=strategy)).to_dicts(),
        "session": session,
        "for_open_of": following,
        "opens_at": calendar.opens_at(following),
        "model_session": fitted,
        "champion": champion_at(deployment, session),
        "holding_sessions": deployment.settings.holding_sessions,
    }


def _told(deployment: Deployment, session: date) -> pl.DataFrame:
    """A row a signal, in the order of `COLUMNS`."""
    warehouse = deployment.warehouse
    frame = signals_and_targets(deployment, session)
    if "strategy" not in frame.columns:
        frame = frame.with_columns(strategy=pl.lit(next(iter(deployment.signals))))
    if warehouse.exists("targets", session):
        frame = frame.join(warehouse.read("targets", [session], ["symbol", "reasons"]), on="symbol", how="left", maintain_order="left")
    if warehouse.exists(INTERVALS, session):
        intervals = warehouse.read(INTERVALS, [session], ["symbol", *_OF_INTERVAL])
        frame = frame.join(intervals, on="symbol", how="left", maintain_order="left")
    lacking = {name: kind for name, kind in _ADDED.items() if name not in frame.columns}
    return frame.with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in lacking.items()).select("session", *COLUMNS)


@dataclass(frozen=True, kw_only=True)
class SignalHistory:
    """The signals of a symbol, the newest session first.

    Attributes
    ----------
    before
        The session before which the next page goes on; None: there is nothing before.
    """

    rows: list[Rows]
    version: str
    before: date | None


def signal_history(deployment: Deployment, symbol: str, strategy: str | None, *, before: date | None, sessions: int) -> SignalHistory:
    """The signals of a symbol in so many sessions before one, or the newest.

    Raises
    ------
    CorruptPartitionError
    """
    stored = sorted({day for asset in deployment.signals.values() for day in deployment.valid_sessions(asset)}, reverse=True)
    days = [day for day in stored if before is None or day < before]
    shown = days[:sessions]
    rows = [row for day in shown for row in _told(deployment, day).filter(symbol=symbol).to_dicts()]
    version = joint_version(deployment, ((asset, day) for day in shown for asset in (*deployment.signals.values(), "targets", INTERVALS)))
    kept = [row for row in rows if strategy in {None, row["strategy"]}]
    return SignalHistory(rows=kept, version=version, before=shown[-1] if len(days) > len(shown) else None)
