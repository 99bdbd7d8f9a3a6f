"""Whether a session's events can be traded while it goes on, and what they are decided by: looked at before the open, so that what lacks is told then."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from ats_assets.algorithms.choosing import AT_OPEN, chosen_algorithm
from ats_assets.algorithms.stepping import DayEnd
from ats_assets.calendar import SessionCalendar
from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError, ModelError, SettingsError
from ats_assets.events.choosing import EventModel, EventRules, event_models, event_rules, traded_model
from ats_assets.events.event_fits import active_event_model
from ats_assets.events.event_lane import event_lane, schemas_read
from ats_assets.execution.worked_intents import AT_EVENTS, WorkPlan
from ats_assets.intraday.choosing import samplers, session_hours
from ats_assets.intraday.schema import INFORMATION_BARS_SCHEMA, TRADES_SCHEMA
from ats_assets.intraday.tick_arrays import TRADE_COLUMNS
from ats_assets.live.at_events.bar_closings import closing_of, followed
from ats_assets.live.at_events.graph_rows import FittedLane, FrameBefore, GraphRows
from ats_assets.live.at_events.session_lane import SessionLane
from ats_assets.orchestration.reading import Known

_TICKS = "raw_trades"
"""The delivery that all of it is made of."""


@dataclass(frozen=True, kw_only=True)
class _Before:
    """The sessions before one, so many at most."""

    asset: str
    back: int

    def sessions_read(self, calendar: SessionCalendar, session: date) -> list[date]:
        return calendar.window(session, self.back + 1)[:-1]


def open_lane(deployment: Deployment, session: date) -> SessionLane | None:
    """What the events of a session are decided by; None without `live.events.enabled`.

    Raises
    ------
    SettingsError
        If they can't be traded inside a session.
    ModelError
        If a model that is needed is not there, or too old.
    MissingPartitionError
        If what is made of the sessions before is not stored.
    """
    settings = deployment.settings
    own = settings.live.events
    if not own.enabled:
        return None
    traded = _traded(deployment)
    rules = deployment.of(event_rules)
    assert rules is not None, "the settings refuse models of events without a frame"
    if rules.barriers.max_sessions:
        raise SettingsError(
            f"events.barriers.max_sessions is {rules.barriers.max_sessions}: what is held over the night is the plan's, which knows no barriers, so positions "
            "at events are closed by the session's end. Set it to 0"
        )
    chain = [traded] if traded.primary is None else [deployment.of(event_models)[str(traded.judges)], traded]
    rows = _graph_rows(deployment, session, chain, rules)
    closings = {name: closing_of(name, one.sampler, own.symbols, one.heard) for name, one in rows.frames.items()}
    return SessionLane(
        symbols=own.symbols,
        rows=rows,
        closings=closings[rules.frame],
        settings=own,
        min_probability=settings.event_backtest.min_probability,
        strategy=settings.orders.strategy,
        planned=deployment.calendar.before(session),
        flat_at=_flat_at(deployment, session),
        work=_work(deployment),
    )


def _graph_rows(deployment: Deployment, session: date, chain: Sequence[EventModel], rules: EventRules) -> GraphRows:
    """What is made of the sessions before."""
    settings, families = deployment.settings, event_lane(deployment, chain[-1]).families
    named = {rules.frame, *(family.frame for family in families.values() if family.frame)}
    _note_history(deployment, [*named, *families, *(one.model.asset for one in chain)], daily=_is_daily(families.values()))
    reaches = max(
        settings.intraday.lookback_sessions,
        rules.cusum.lookback_sessions,
        rules.barriers.lookback_sessions,
        settings.bar_regimes.back if settings.bar_regimes.frame in named else 0,
        settings.event_training.align_sessions,
    )
    days = deployment.known(deployment.calendar.window(session, reaches + 1), rules.frame)
    if len(days) < 2:
        raise SettingsError(f"no trades of sessions before {session} are stored: models and thresholds of events are made of them")
    return GraphRows(
        session=session,
        settings=settings,
        hours=session_hours(deployment),
        frames={name: _frame(deployment, session, name, days[:-1]) for name in sorted(named)},
        families=_families(deployment, session, chain[-1]),
        chain=tuple(_fitted(deployment, session, one) for one in chain),
        days=days,
        closes={day: deployment.calendar.closes_at(day) for day in days},
    )


def _flat_at(deployment: Deployment, session: date) -> datetime:
    """From when on positions are closed: before the exchange's close, or where an instrument's own hours end sooner, before that."""
    hours, own = session_hours(deployment), deployment.settings.live.events
    ends = min(deployment.calendar.closes_at(session), *(hours.of(symbol, session)[1] for symbol in own.symbols))
    return ends - timedelta(minutes=own.close_minutes)


def _work(deployment: Deployment) -> Callable[[int, bool], str]:
    """How orders are worked from a minute on: an entry ends unfilled with its time, an exit goes to the market then."""
    own = deployment.settings.live.events
    chosen = chosen_algorithm(deployment.settings, own.algorithm)
    if own.algorithm == AT_OPEN or chosen.made().before_open:
        raise SettingsError(
            f"live.events.algorithm is {own.algorithm!r}, which sends its orders before the open: choose one that works inside the session"
        )
    how = {"algorithm": own.algorithm, "kind": chosen.kind, "settings": chosen.settings.model_dump(mode="json")}

    def work(minute: int, opens: bool) -> str:
        end = DayEnd(unfilled="end" if opens else "cross", last_minutes=1)
        return WorkPlan(**how, urgency=1.0, start_minutes=minute, minutes=own.minutes, day_end=end, why=AT_EVENTS).text()

    return work


def _traded(deployment: Deployment) -> EventModel:
    settings = deployment.settings
    traded = traded_model(deployment)
    if traded is None:
        raise SettingsError("live.events.enabled, but there are no [event_models]: nothing decides at events")
    if not settings.live.events.symbols:
        raise SettingsError("live.events.enabled, but live.events.symbols is empty: name those that are traded at events")
    if "trades" not in settings.intraday.model_fields_set or not settings.intraday.trades:
        raise SettingsError("live.events.enabled, but there is no [intraday.trades]: the graph must have the trades that are followed")
    if settings.intraday.screening.conditions not in {"sip", "none"}:
        raise SettingsError(
            f"intraday.screening.conditions is {settings.intraday.screening.conditions!r}, and streams tell the codes of the consolidated tape: "
            'set it to "sip", or to "none"'
        )
    return traded


def _is_daily(families: Iterable[object]) -> bool:
    return any(getattr(family, "frame", None) is None for family in families)


def _note_history(deployment: Deployment, assets: Sequence[str], *, daily: bool) -> None:
    """Where no graph was built nobody has noted with which deliveries these begin."""
    begins = frozenset({_TICKS, "raw_bars"} if daily else {_TICKS})
    for asset in assets:
        deployment.begins_with.setdefault(asset, begins)


def _frame(deployment: Deployment, session: date, name: str, days: Sequence[date]) -> FrameBefore:
    """The bars of the sessions before, and what these say of thresholds."""
    sampler = followed(deployment.of(samplers)[name])
    closing_of(name, sampler, (), ())
    back = max((one.back for one in sampler.needs()), default=0)
    asked = [day for day in deployment.known(deployment.calendar.window(session, back + 1), name) if day < session]
    _require(deployment, "trades", asked, f"the thresholds of {name} are estimated on them")
    _require(deployment, name, days, "what is decided at events looks back over them")
    span = _Before(asset="trades", back=back)
    known = Known(deployment, name, [span])
    trades = known.frame(span, [session], TRADES_SCHEMA, columns=TRADE_COLUMNS) if back else pl.DataFrame()
    heard = tuple(sampler.heard({"trades": trades}, day) for day in asked) if back else ()  # pyright: ignore[reportAttributeAccessIssue]
    bars = deployment.warehouse.read(name, days) if days else INFORMATION_BARS_SCHEMA.to_frame()
    return FrameBefore(sampler=sampler, heard=heard, bars=bars)  # pyright: ignore[reportArgumentType]


def _families(deployment: Deployment, session: date, traded: EventModel) -> dict[str, pl.DataFrame]:
    """Their rows of the sessions before that a decision may take."""
    lane, schemas, made = event_lane(deployment, traded), schemas_read(deployment), dict[str, pl.DataFrame]()
    for name in lane.families:
        days = deployment.known(deployment.calendar.window(session, lane.settings.align_sessions + 1)[:-1], name)
        _require(deployment, name, days, "models of events learn from them")
        made[name] = deployment.warehouse.read(name, days) if days else schemas[name].to_frame()
    return made


def _require(deployment: Deployment, asset: str, days: Sequence[date], why: str) -> None:
    if absent := [day for day in days if not deployment.warehouse.exists(asset, day)]:
        raise MissingPartitionError(
            f"{asset} of {absent[-1]} is not stored, and {why}: make it before the open with ats run --select '+{asset}' --from {absent[0]}"
        )


def _fitted(deployment: Deployment, session: date, model: EventModel) -> FittedLane:
    lane, asset = event_lane(deployment, model), model.model.asset
    record = active_event_model(deployment, lane, session)
    if record is None:
        raise ModelError(f"there is no {asset} that is active at {session}: make it before the open with ats run --select '+{asset}'")
    content = deployment.model_store(asset).content(record)
    return FittedLane(lane=lane, record=record, scorer=model.model.scorer(record, content))
