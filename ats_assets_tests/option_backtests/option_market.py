"""Chains, actions and scripted strategies for tests of the options backtest."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.option_backtests.session_chain import SessionChain
from ats_assets.option_backtests.session_loop import OptionBacktestInputs, Rows, trade_sessions
from ats_assets.option_backtests.strategy_account import OptionTradingRules, TradedStrategy
from ats_assets.option_strategies import Decision, OptionLeg, OptionView
from ats_assets.options.contract import OptionContract, Right
from ats_assets.options.schema import ANNOUNCED_DIVIDENDS_SCHEMA
from ats_assets.scheduled_events import SCHEDULED_EVENTS_SCHEMA
from ats_assets.settings import Section

Quoted = tuple[OptionContract, float | None, float | None]
"""A contract with bid and ask."""
COLUMNS = pl.Schema(
    {
        **dict.fromkeys(("underlying", "contract"), pl.String),
        "session": pl.Date,
        "expiry": pl.Date,
        "strike": pl.Float64,
        "right": pl.String,
        "style": pl.String,
        **dict.fromkeys(("multiplier", "bid", "ask", "mark", "half_spread", "spot"), pl.Float64),
        **dict.fromkeys(("implied_volatility", "delta", "gamma", "theta", "vega"), pl.Float64),
    }
)


def contract(underlying: str, expiry: date, strike: str, right: str) -> OptionContract:
    return OptionContract(underlying, expiry, Decimal(strike), Right(right))


def chain(session: date, spots: Mapping[str, float], quoted: Sequence[Quoted], style: str = "american") -> SessionChain:
    """A chain whose greeks are rough, but finite."""
    rows = []
    for one, bid, ask in quoted:
        both = bid is not None and ask is not None
        call = one.right is Right.CALL
        rows.append(
            {
                "underlying": one.underlying,
                "contract": one.symbol,
                "session": session,
                "expiry": one.expiry,
                "strike": float(one.strike),
                "right": str(one.right),
                "style": style,
                "multiplier": 100.0,
                "bid": bid,
                "ask": ask,
                "mark": (bid + ask) / 2 if both else None,
                "half_spread": (ask - bid) / 2 if both else None,
                "spot": spots[one.underlying],
                "implied_volatility": 0.2 + 0.001 * session.day,
                "delta": 0.5 if call else -0.5,
                "gamma": 0.02,
                "theta": -0.03,
                "vega": 0.1,
            }
        )
    return SessionChain(session, pl.DataFrame(rows, COLUMNS), spots)


def actions(*rows: Mapping[str, object]) -> pl.DataFrame:
    return pl.DataFrame([dict.fromkeys(CORPORATE_ACTIONS_SCHEMA) | dict(row) for row in rows], CORPORATE_ACTIONS_SCHEMA)


def dividend(symbol: str, session: date, cash: float, announced: date | None = None) -> dict[str, object]:
    return {"symbol": symbol, "session": session, "kind": "cash_dividend", "cash": cash, "announced": announced}


def split(symbol: str, session: date, ratio: float) -> dict[str, object]:
    return {"symbol": symbol, "session": session, "kind": "split", "ratio": ratio}


class NoSettings(Section):
    """None."""


class Scripted:
    """A strategy that does what a function says."""

    settings = NoSettings()

    def __init__(self, decide: Callable[[OptionView], list[Decision]]) -> None:
        self._decide = decide
        self.views: list[OptionView] = []

    def decide(self, view: OptionView) -> list[Decision]:
        self.views.append(view)
        return self._decide(view)


def order(view: OptionView, *legs: tuple[OptionContract | None, int, str], action: str = "open", limit: str | None = None) -> Decision:
    made = tuple(OptionLeg(contract=one, quantity=quantity, open_or_close=way) for one, quantity, way in legs)  # pyright: ignore[reportArgumentType]
    price = None if limit is None else Decimal(limit)
    first = next((leg.contract.underlying for leg in made if leg.contract is not None), view.underlyings[0])
    return Decision(
        strategy=view.strategy,
        underlying=first,
        action=action,  # pyright: ignore[reportArgumentType]
        legs=made,
        limit_price=price,
        reason="it is in the script",
        rule=f"scripted_{action}",
    )


def on(session: date, *legs: tuple[OptionContract | None, int, str], action: str = "open") -> Callable[[OptionView], list[Decision]]:
    """One order at one session."""
    return lambda view: [order(view, *legs, action=action)] if view.session == session else []


def traded(
    script: Scripted,
    chains: Sequence[SessionChain],
    acts: pl.DataFrame | None = None,
    *,
    rules: OptionTradingRules | None = None,
    capital: str = "100000",
    underlyings: tuple[str, ...] = ("XYZ",),
    scheduled: pl.DataFrame | None = None,
) -> Rows:
    by_session = {one.session: one for one in chains}
    calendar = SessionCalendar()
    sessions = calendar.sessions(chains[0].session, chains[-1].session)
    empty = COLUMNS.to_frame()
    return trade_sessions(
        OptionBacktestInputs(
            strategies=[TradedStrategy(name="scripted", strategy=script, underlyings=underlyings, capital=Decimal(capital))],
            sessions=sessions,
            chain_of=lambda session: by_session.get(session, SessionChain(session, empty)),
            actions=CORPORATE_ACTIONS_SCHEMA.to_frame() if acts is None else acts,
            announced=announced_by(acts, sessions),
            calendar=calendar,
            rules=rules or OptionTradingRules(),
            scheduled=SCHEDULED_EVENTS_SCHEMA.to_frame() if scheduled is None else scheduled,
        )
    )


def announced_by(acts: pl.DataFrame | None, sessions: Sequence[date]) -> pl.DataFrame:
    """At each session the dividends that were announced by then."""
    found = ANNOUNCED_DIVIDENDS_SCHEMA.to_frame()
    for session in sessions if acts is not None else ():
        known = acts.filter(pl.col("announced") <= session, pl.col("session") > session).rename({"session": "ex_session"})
        rows = known.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in found.schema.items() if name not in known.columns)
        found.vstack(rows.with_columns(session=pl.lit(session)).select(found.columns).cast(dict(found.schema)), in_place=True)
    return found


def flows(rows: Rows, *kinds: str) -> list[tuple[date, str, str | None, int, float, float]]:
    """Session, kind, contract, change of contracts, change of shares, cash; of some kinds, or of all but the deposit."""
    return [
        (row["session"], row["kind"], row["contract"], row["quantity"], float(row["shares"]), float(row["cash"]))
        for row in rows["cash_flows"]
        if row["kind"] != "deposit" and (not kinds or row["kind"] in kinds)
    ]
