"""A signal or an order back to its model, the partitions that this was trained on, the features, the bars and the deliveries of the raw bars, with versions and files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ats_assets.deployment import MODELS, Deployment
from ats_assets.errors import MissingPartitionError
from ats_assets.lineage.digests import set_digest, stored
from ats_assets.lineage.index import Entry
from ats_assets.lineage.records import Found, read_record

DELIVERIES = {"bars": "raw_bars", "corporate_actions": "raw_corporate_actions"}
"""What is screened -> what was delivered."""
SHOWN_ROWS = ("orders", "order_plan", "positions", "instruments", "signals", "predictions", "universe", *DELIVERIES, *DELIVERIES.values())
"""The assets of which the symbol's own row is told."""
FOLLOWED = "predictions"
"""Of its window the signal's own session is explained, too: there is the score."""


@dataclass(frozen=True, kw_only=True)
class Many:
    """Several partitions of an asset that were read together.

    Attributes
    ----------
    spans
        (first, last, how many) of each run of neighbouring sessions.
    digest
        One digest of all sessions with their data versions, in hex.
    versions
        Session -> data version as it was read.
    """

    asset: str
    spans: tuple[tuple[str, str, int], ...]
    digest: str
    versions: Mapping[str, str]
    notes: tuple[str, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    made_from: "tuple[Made | Many, ...]" = ()


@dataclass(frozen=True, kw_only=True)
class Made:
    """A partition: where it lies, which versions it is of, what it was made from, and the symbol's row in it."""

    asset: str
    session: str
    path: str
    data_version: str
    code_version: str
    settings_version: str
    notes: tuple[str, ...] = ()
    row: Mapping[str, Any] = field(default_factory=dict)
    made_from: "tuple[Made | Many, ...]" = ()


class Explaining:
    """Explains partitions by what the files say.

    Parameters
    ----------
    entries
        Of the index.
    """

    def __init__(self, deployment: Deployment, entries: Iterable[Entry]) -> None:
        self._deployment = deployment
        self._stored: dict[tuple[str, str], list[Entry]] = {}
        for entry in entries:
            self._stored.setdefault((entry.asset, entry.key), []).append(entry)
        days = sorted(key for asset, key in self._stored if asset == "raw_bars")
        self._order = {day: i for i, day in enumerate(days)}

    def signal(self, symbol: str, session: str) -> Made:
        """The signal of a symbol at a session.

        Raises
        ------
        MissingPartitionError
            If there is none.
        CorruptPartitionError
            If a file on the way is damaged.
        """
        explained = self._made("signals", session, symbol)
        if explained is None:
            raise MissingPartitionError(
                f"no signals of {session} are stored: choose a session that ats signals can show, or make it with ats run"
            )
        if not explained.row:
            raise MissingPartitionError(f"{symbol} has no signal at {session}: ats signals --session {session} lists those that have")
        return explained

    def order(self, symbol: str, session: str) -> Made:
        """The order for a symbol that was decided at a session's close: its plan, and the signal, account and bars behind it.

        Raises
        ------
        MissingPartitionError
            If there is none.
        CorruptPartitionError
            If a file on the way is damaged.
        """
        explained = self._made("orders", session, symbol)
        if explained is None:
            raise MissingPartitionError(f"no orders of {session} are stored: choose a session that was traded, or trade it with ats trade")
        if not explained.row:
            raise MissingPartitionError(
                f"no order for {symbol} was sent at the close of {session}: the plan of that session says why, if it was wanted"
            )
        return explained

    def _made(self, asset: str, session: str, symbol: str, version: str | None = None) -> "Made | None":
        vintages = self._stored.get((asset, session))
        if not vintages:
            return None
        entry = next((one for one in reversed(vintages) if one.data_version == version), vintages[-1])
        record = read_record(self._deployment, Found(path=entry.path, asset=asset, key=session, known=entry.known, stamp=""))
        notes = [f"known since {entry.known}"] if entry.known else []
        if version is not None and version != record.data_version:
            notes.append(f"it was read as {version[:12]}, which is not stored any more")
        elif entry is not vintages[-1]:
            notes.append(f"superseded by {vintages[-1].known}")
        if record.fault:
            notes.append(f"damaged: {record.fault}")
        followed = (self._upstream(name, versions, session, symbol) for name, versions in sorted(record.upstream.items()) if versions)
        return Made(
            asset=asset,
            session=session,
            path=entry.path,
            data_version=record.data_version,
            code_version=record.code_version,
            settings_version=record.settings_version,
            notes=tuple(notes),
            row={} if record.fault else self._row(asset, entry.path, symbol),
            made_from=tuple(followed),
        )

    def _upstream(self, asset: str, versions: Mapping[str, str], session: str, symbol: str) -> "Made | Many":
        if len(versions) == 1:
            ((day, version),) = versions.items()
            gone = Made(
                asset=asset, session=day, path="", data_version=version, code_version="", settings_version="", notes=("not stored",)
            )
            return self._made(asset, day, symbol, version) or gone
        current = {day: found[-1].data_version for day in versions if (found := self._stored.get((asset, day)))}
        other = sum(current.get(day) != version for day, version in versions.items())
        below: list[Made | Many] = []
        if asset in DELIVERIES and not other:
            below.append(self._deliveries(asset, versions))
        elif asset == FOLLOWED and session in versions and (made := self._made(asset, session, symbol, versions[session])):
            below.append(made)
        return self._many(asset, versions, (f"{other} of them are stored with another content now",) if other else (), below)

    def _deliveries(self, asset: str, days: Iterable[str]) -> Many:
        """The vintages that stored bars or actions were made from, found by the digests in the index."""
        used: dict[str, Entry] = {}
        superseded: list[str] = []
        raw = DELIVERIES[asset]
        for day in days:
            read = self._stored[asset, day][-1].reads.get(raw)
            vintages = self._stored.get((raw, day), [])
            for entry in vintages:
                if set_digest({day: entry.data_version}) == read:
                    used[day] = entry
                    superseded += [day] if entry is not vintages[-1] else []
        known = sorted(entry.known for entry in used.values())
        notes = [f"known since {known[0]} to {known[-1]}"] if known else []
        if superseded:
            notes.append(f"{len(superseded)} of them are superseded by newer vintages, first {superseded[0]}")
        if len(used) < len(self._stored_days(asset, days)):
            notes.append("the vintages of the others are not stored any more")
        versions = {day: entry.data_version for day, entry in used.items()}
        return self._many(raw, versions, tuple(notes), (), {day: entry.path for day, entry in used.items()})

    def _stored_days(self, asset: str, days: Iterable[str]) -> list[str]:
        return [day for day in days if (asset, day) in self._stored]

    def _many(
        self,
        asset: str,
        versions: Mapping[str, str],
        notes: tuple[str, ...],
        below: "Iterable[Made | Many]",
        paths: Mapping[str, str] | None = None,
    ) -> Many:
        if paths is None:
            paths = {day: found[-1].path for day in versions if (found := self._stored.get((asset, day)))}
        digest = stored(set_digest(versions)).hex()
        spans = tuple(self._spans(sorted(versions)))
        return Many(asset=asset, spans=spans, digest=digest, versions=versions, notes=notes, paths=paths, made_from=tuple(below))

    def _spans(self, days: list[str]) -> list[tuple[str, str, int]]:
        """Runs of neighbours among the sessions of history."""
        runs: list[list[str]] = []
        for day in days:
            if runs and self._order.get(day, -1) == self._order.get(runs[-1][-1], -2) + 1:
                runs[-1].append(day)
            else:
                runs.append([day])
        return [(run[0], run[-1], len(run)) for run in runs]

    def _row(self, asset: str, path: str, symbol: str) -> dict[str, Any]:
        if asset in MODELS or asset not in SHOWN_ROWS:
            return {}
        rows = pl.read_parquet(path, hive_partitioning=False).filter(pl.col("symbol") == symbol)
        return rows.drop("symbol", "session").row(0, named=True) if rows.height else {}
