"""Option chains from Massive: snapshots that `source.massive.collect` took after a session's close, and for sessions without one what can be known afterwards.

Afterwards are known: which contracts were listed (the reference as of the session), and what was traded (the day's aggregates of each contract, from a flat file of all of them or asked for one
by one). Not known any more are bid and ask, open interest, volatility and the underlying's price at the close: a snapshot is of now only. Bid and ask come back from flat files of quotes,
where `quotes` is true: of each contract the last one that the SIP had before the close.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, Final, Literal

import polars as pl
from pydantic import Field

from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError, how_many
from ats_assets.options.contract import parts_of
from ats_assets.options.option_source import OptionSourcePlugin, chain_order
from ats_assets.options.schema import QUOTE_TIME, RAW_OPTION_CHAINS_SCHEMA
from ats_assets.settings import Section
from ats_assets.sources.wire_frames import WireColumn, to_frame
from ats_assets.vendors.massive.delivery_times import Delivery, delivered_at
from ats_assets.vendors.massive.flat_files import FlatFiles
from ats_assets.vendors.massive.massive_connection import flat_files, massive_rest
from ats_assets.vendors.massive.massive_rest import MassiveRest

COLLECTED: Final = "massive_option_chains"
_F, _I, _S = pl.Float64, pl.Int64, pl.String
_PREFIX: Final = "O:"
_RIGHTS: Final = {"call": "C", "put": "P"}
_OF_SNAPSHOT: Final = {
    **{name: f"day_{name}" for name in ("open", "high", "low", "close", "volume")},
    "last": "trade_price",
    "vendor_volatility": "implied_volatility",
    **{f"vendor_{name}": name for name in ("delta", "gamma", "theta", "vega")},
}
"""The raw column -> the collected one, where they differ."""
_AS_THEY_ARE: Final = (
    "strike",
    "style",
    "multiplier",
    "bid",
    "ask",
    "bid_size",
    "ask_size",
    "open_interest",
    "underlying_price",
    "defects",
)
_CONTRACT: Final = tuple(
    WireColumn(name=name, key=key, dtype=dtype)
    for name, key, dtype in (
        *(("contract", "ticker", _S), ("expiry", "expiration_date", _S), ("strike", "strike_price", _F), ("right", "contract_type", _S)),
        *(("style", "exercise_style", _S), ("multiplier", "shares_per_contract", _F)),
    )
)
_DAY: Final = ("ticker", "volume", "open", "close", "high", "low")
_QUOTE: Final = ("ticker", "ask_price", "ask_size", "bid_price", "bid_size", "sip_timestamp")
_QUOTED: Final = {"bid": "bid_price", "ask": "ask_price", "bid_size": "bid_size", "ask_size": "ask_size"}


class MassiveChainsSettings(Section):
    """Option chains from Massive. How it is reached is in the section `massive`; `options.underlyings` names whose."""

    snapshots: bool = Field(default=True, description="whether snapshots that source.massive.collect took are read")
    first_session: date | None = Field(
        default=None, description="from which on sessions without a snapshot are delivered too; default: only snapshots are"
    )
    contracts: bool = Field(
        default=True, description="whether the contracts that did not trade are delivered too, by the reference as of the session"
    )
    aggregates: Literal["flat_files", "api"] = Field(
        default="flat_files", description="where what was traded comes from; api: a request a contract"
    )
    quotes: bool = Field(
        default=False, description="whether bid and ask are taken from flat files of quotes: a hundred gigabytes a day, read block by block"
    )


class MassiveChains:
    """Chains from Massive, as an `OptionSource`."""

    def __init__(
        self,
        own: MassiveChainsSettings,
        deployment: Deployment,
        *,
        rest: MassiveRest | None = None,
        files: FlatFiles | None = None,
    ) -> None:
        if own.first_session is not None and not deployment.settings.options.underlyings and (own.contracts or own.aggregates == "api"):
            raise SourceError("options.chains.first_session is set, but options.underlyings is empty: name whose contracts are asked for")
        self._own = own
        self._deployment = deployment
        self._given = rest, files

    def sessions(self) -> list[date]:
        """Those that were collected, and those from `first_session` on that are delivered."""
        now, calendar = datetime.now(UTC), self._deployment.calendar
        first = self._own.first_session
        past = [] if first is None else calendar.sessions(max(first, calendar.first), calendar.last_closed(now))
        days = {*self._collected, *past}
        return sorted(day for day in days if self.known_at(day) <= now)

    def chains(self, session: date) -> pl.DataFrame:
        """As `OptionSource.chains`."""
        if session in self._collected:
            return _of_snapshots(self._deployment.warehouse.read(COLLECTED, [session]), session)
        if self._own.first_session is None or session < self._own.first_session:
            return RAW_OPTION_CHAINS_SCHEMA.to_frame()
        return self._afterwards(session)

    def known_at(self, session: date) -> datetime:
        """The session's close of a snapshot; else when aggregates of the session are delivered, in UTC."""
        calendar = self._deployment.calendar
        if session in self._collected:
            return calendar.closes_at(session)
        of_files = self._own.aggregates == "flat_files" or self._own.quotes
        delivery: Delivery = "flat_files" if of_files else self._deployment.settings.massive.delivery
        return delivered_at(calendar, session, delivery)

    def describe(self) -> str:
        """Where they come from, and what is not known of sessions without a snapshot."""
        days, taken = self.sessions(), sorted(self._collected)
        span = (
            f"{days[0]} to {days[-1]}"
            if days
            else "none: name option_chains in source.massive.collect and run the job market_data, or set first_session"
        )
        lines = [f"options: Massive, snapshots of {how_many(len(taken), 'session')} ({COLLECTED})", f"sessions: {span}"]
        if self._own.first_session is not None:
            lost = (
                "open interest, volatility and the underlying's price"
                if self._own.quotes
                else "bid, ask, open interest, volatility and the underlying's price"
            )
            lines.append(f"sessions without a snapshot: contracts and what was traded; {lost} can't be known afterwards")
        return "\n".join(lines)

    def _afterwards(self, session: date) -> pl.DataFrame:
        """The contracts of a session with what was traded and, where it is wanted, quoted."""
        listed = self._listed(session) if self._own.contracts else None
        frames = list(self._traded(session, [] if listed is None else listed["contract"].to_list()))
        traded = pl.concat(frames) if frames else pl.DataFrame(schema={"contract": _S, **dict.fromkeys(_DAY[1:], _F), "traded_defects": _S})
        rows = traded if listed is None else listed.join(traded, on="contract", how="full", coalesce=True, maintain_order="left")
        if self._own.quotes:
            rows = rows.join(self._last_quotes(session), on="contract", how="full", coalesce=True, maintain_order="left")
        for name in ("defects", "traded_defects"):
            rows = rows if name in rows.columns else rows.with_columns(pl.lit(None, _S).alias(name))
        defects = pl.concat_str("defects", "traded_defects", separator="; ", ignore_nulls=True)
        return _as_raw(rows.with_columns(defects=pl.when(defects != "").then(defects)), session)

    def _listed(self, session: date) -> pl.DataFrame:
        names = self._deployment.settings.options.symbol_by_underlying
        found: list[Mapping[str, Any]] = []
        for symbol in sorted({names.get(root, root) for root in self._deployment.settings.options.underlyings}):
            found += self._rest.option_contracts(symbol, session)
        rows = to_frame({"": found}, _CONTRACT, label="asked").drop("asked")
        more = [row.get("additional_underlyings") for row in found]
        deliverable = pl.Series([json.dumps(one, sort_keys=True) if one else None for one in more], dtype=_S)
        days = pl.col("expiry").str.to_date("%Y-%m-%d", strict=False)
        unread = pl.when(days.is_null() & pl.col("expiry").is_not_null()).then("expiry: '" + pl.col("expiry").str.slice(0, 40) + "'")
        defects = pl.concat_str("defects", unread, separator="; ", ignore_nulls=True).replace("", None)
        right = pl.col("right").replace_strict(_RIGHTS, default=None, return_dtype=_S)
        style = pl.when(pl.col("style").is_in(["american", "european", "bermudan"])).then("style")
        return rows.with_columns(expiry=days, right=right, style=style, deliverable=deliverable, defects=defects)

    def _traded(self, session: date, contracts: list[str]) -> Iterator[pl.DataFrame]:
        numbers = {name: pl.col(name).cast(_F, strict=False) for name in _DAY[1:]}
        if self._own.aggregates == "api":
            for contract in contracts:
                for row in self._rest.aggregates(contract, "day", session.isoformat(), session.isoformat()):
                    cells = {name: row.get(key) for name, key in zip(_DAY[1:], ("v", "o", "c", "h", "l"), strict=True)}
                    yield pl.DataFrame(
                        {"contract": [contract], **{name: [cell] for name, cell in cells.items()}},
                        schema={"contract": _S, **dict.fromkeys(_DAY[1:], _F)},
                        strict=False,
                    ).with_columns(traded_defects=pl.lit(None, _S))
            return
        for block in self._files.blocks("us_options_opra/day_aggs_v1", session, _DAY):
            faults = [
                pl.when(read.is_null() & pl.col(name).is_not_null()).then(pl.lit(f"{name}: '") + pl.col(name) + "'")
                for name, read in numbers.items()
            ]
            defects = pl.concat_str("defects", *faults, separator="; ", ignore_nulls=True)
            yield self._ours(block).select(contract="ticker", **numbers, traded_defects=pl.when(defects != "").then(defects))

    def _last_quotes(self, session: date) -> pl.DataFrame:
        """The last quote of each contract before the close: by its time, then by its place in the file."""
        close = int(self._deployment.calendar.closes_at(session).timestamp()) * 10**9
        last = pl.DataFrame(schema={"contract": _S, "stamp": _I, **dict.fromkeys(_QUOTED, _F)})
        for block in self._files.blocks("us_options_opra/quotes_v1", session, _QUOTE):
            numbers = {name: pl.col(cell).cast(_F, strict=False) for name, cell in _QUOTED.items()}
            rows = self._ours(block).select(contract="ticker", stamp=pl.col("sip_timestamp").cast(_I, strict=False), **numbers)
            both = pl.concat([last, rows.filter(pl.col("stamp") <= close)]).sort("stamp", maintain_order=True)
            last = both.unique("contract", keep="last", maintain_order=True)
        return last.with_columns(quoted_at=_instant(pl.col("stamp"))).drop("stamp")

    def _ours(self, block: pl.DataFrame) -> pl.DataFrame:
        """Of the roots of the settings, and lines that are no row."""
        roots = list(self._deployment.settings.options.underlyings)
        root = pl.col("ticker").str.strip_prefix(_PREFIX).str.head(-15)
        return block.filter(root.is_in(roots) | pl.col("ticker").is_null()) if roots else block

    @cached_property
    def _collected(self) -> frozenset[date]:
        """The sessions whose snapshot is stored; one that was missed is an empty partition."""
        deployment = self._deployment
        stored = deployment.valid_sessions(COLLECTED) if self._own.snapshots else []
        return frozenset(day for day in stored if deployment.warehouse.read(COLLECTED, [day], ["symbol"]).height)

    @cached_property
    def _rest(self) -> MassiveRest:
        return self._given[0] or massive_rest(self._deployment.settings)

    @cached_property
    def _files(self) -> FlatFiles:
        return self._given[1] or flat_files(self._deployment.settings)


def _of_snapshots(rows: pl.DataFrame, session: date) -> pl.DataFrame:
    expiry = pl.col("expiry").str.to_date("%Y-%m-%d", strict=False)
    own = {name: pl.col(name) for name in _AS_THEY_ARE} | {name: pl.col(of) for name, of in _OF_SNAPSHOT.items()}
    right = pl.col("right").replace_strict(_RIGHTS, default=None, return_dtype=_S)
    day_of = pl.from_epoch("day_at", time_unit="ns").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York").dt.date()
    of_day = (day_of == session).fill_null(value=False)
    bar = {name: pl.when(of_day).then(own[name]) for name in ("open", "high", "low", "close", "volume")}
    made = rows.select(contract="symbol", expiry=expiry, right=right, quoted_at=_instant(pl.col("quote_at")), **(own | bar))
    return _as_raw(made, session)


def _instant(stamp: pl.Expr) -> pl.Expr:
    return pl.from_epoch(stamp, time_unit="ns").dt.replace_time_zone("UTC").cast(QUOTE_TIME)


def _as_raw(rows: pl.DataFrame, session: date) -> pl.DataFrame:
    """The contract without `O:`, its parts from its symbol where they are not told, and a defect where it is no symbol of an option."""
    parts = parts_of(pl.col("contract"))
    told = {name: pl.coalesce(name, parts[name]) if name in rows.columns else parts[name] for name in ("expiry", "strike", "right")}
    wrong = pl.when(parts["underlying"].is_null() & pl.col("contract").is_not_null()).then(
        "contract: '" + pl.col("contract").str.slice(0, 40) + "' is no symbol of an option"
    )
    defects = pl.concat_str("defects", wrong, separator="; ", ignore_nulls=True)
    made = rows.with_columns(
        **told,
        underlying=parts["underlying"],
        contract=pl.col("contract").str.strip_prefix(_PREFIX),
        session=pl.lit(session, pl.Date),
        date=pl.lit(session, pl.Date),
        defects=pl.when(defects != "").then(defects),
    )
    return chain_order(made)


PLUGIN = OptionSourcePlugin(settings=MassiveChainsSettings, make=MassiveChains, reads=lambda own: (COLLECTED,) if own.snapshots else ())
