"""The vintages of a partition: of a delivery, which is never overwritten, and of what is made of it row by row.

Each is a file named by the time from which it was known; another content under other settings of the source restates nothing and is kept apart.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from ats_assets.storage.data_version import data_version
from ats_assets.storage.footed_files import FootedFiles
from ats_assets.storage.footer import AssetVersions, Footer, Upstream, Written
from ats_assets.storage.knowledge import stamp_of, time_of
from ats_assets.storage.sealed_file import BLANK

FROM_SOURCE = ("raw_bars", "raw_corporate_actions")
"""What the source of bars delivers. `raw_bars` says where history starts."""
TICKS = ("raw_trades", "raw_quotes")
"""What sources of ticks deliver, where settings name one. Each says where the history of what is made of it starts."""
CHAINS = ("raw_option_chains",)
"""What sources of options deliver, likewise."""
FLOW = ("raw_option_flow",)
"""What sources of flow deliver, likewise."""
SCHEDULED = ("raw_scheduled_events",)
"""What sources of scheduled events deliver, where settings name one; their history is that of the bars."""
WITH_OWN_HISTORY = (*TICKS, *CHAINS, *FLOW)
"""The deliveries that say where the history of what is made of them starts, beside `raw_bars`."""
OF_MARKET = (*FROM_SOURCE, *WITH_OWN_HISTORY, *SCHEDULED)
"""What sources deliver. Something is made of each of them row by row."""
OF_PERSONS = ("raw_promotions",)
"""What persons decided, where several models compete."""
ANNOUNCED = ("raw_announced_dividends",)
"""What the source of bars tells of later sessions."""
READ_AS_DELIVERED = (*OF_PERSONS, *ANNOUNCED)
"""The deliveries of which nothing is made row by row: readers read their vintages."""
DELIVERED = (*OF_MARKET, *READ_AS_DELIVERED)
"""The assets that were delivered: all others are made from them."""
MADE_TOGETHER = (
    "bars,rejected_bars",
    "corporate_actions,rejected_corporate_actions",
    "trades,rejected_trades",
    "quotes,rejected_quotes",
    "option_chains,rejected_option_chains",
    "option_flow,rejected_option_flow",
    "scheduled_events,rejected_scheduled_events",
)
VINTAGES_OF = {name: raw for raw, together in zip(OF_MARKET, MADE_TOGETHER, strict=True) for name in together.split(",")}
"""What is made of a delivery row by row -> the delivery: it has a vintage for each of the delivery's, known from the same time."""
RESTATEMENTS = "restatements"
"""The folder of what was compared of restatements, and the name under which a report's footer has what it tells of them."""
DATA_FILE = "data.parquet"
KNOWN, ENDING = "known=", ".parquet"
REFUSED = "refused="
"""In the place of `KNOWN`, of what was made of a vintage that nobody is to read (`bars.refusal`)."""


@dataclass(frozen=True, kw_only=True)
class MadeVintage:
    """What was made of one vintage of a delivery: its rows, what was read, the time from which that was known, and whether it is refused."""

    session: date
    stamp: str
    rows: pl.DataFrame
    upstream: Upstream
    refused: bool = False
    data_version: str = ""
    """Of the rows, where it is known already."""


class Vintages(FootedFiles):
    """Where partitions and their vintages lie, and which of them there are."""

    def folder(self, asset: str, session: date) -> Path:
        """The folder of a partition."""
        return self.root / f"{asset}/session={session.isoformat()}"

    def vintage(self, asset: str, session: date, stamp: str, *, refused: bool = False) -> Path:
        """The file of one vintage."""
        return self.folder(asset, session) / f"{REFUSED if refused else KNOWN}{stamp}{ENDING}"

    def stamps(self, asset: str, session: date, *, prefix: str = KNOWN) -> list[str]:
        """The times from which the vintages of a partition were known, as their names have them, ascending; without those that are refused, or with that prefix these alone."""
        self.put_in_place(self.folder(asset, session))
        self.root_folder.look()
        try:
            names = os.listdir(f"{self.root}/{asset}/session={session.isoformat()}")  # noqa: PTH208 - asked for each session of each window
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name[len(prefix) : -len(ENDING)] for name in names if name.startswith(prefix) and name.endswith(ENDING))

    def vintages(self, asset: str, session: date) -> dict[datetime, Path]:
        """The vintages of a partition, by the time from which each was known."""
        return {time_of(stamp): self.vintage(asset, session, stamp) for stamp in self.stamps(asset, session)}

    def made_vintages(self, asset: str, session: date) -> dict[str, Path]:
        """What was made of the vintages of a delivery, by the times from which they were known; with what is refused."""
        made = {stamp: self.vintage(asset, session, stamp, refused=True) for stamp in self.stamps(asset, session, prefix=REFUSED)}
        return made | {stamp: self.vintage(asset, session, stamp) for stamp in self.stamps(asset, session)}

    def write_deliveries(
        self,
        asset: str,
        deliveries: Mapping[date, Sequence[tuple[datetime, pl.DataFrame]]],
        *,
        code_version: str = "",
        settings_version: str = "",
        data_versions: Mapping[date, str] | None = None,
    ) -> dict[date, Written]:
        """Store the deliveries of many sessions, as `write_delivery` does; those of sessions that have none yet together.

        Parameters
        ----------
        data_versions
            Of all rows of sessions, where they are known already.
        """
        versions = AssetVersions(code_version=code_version, settings_version=settings_version)
        first = {session: parts for session, parts in deliveries.items() if not self.stamps(asset, session)}
        files = (
            (
                self.vintage(asset, session, stamp_of(known)),
                frame,
                Footer(
                    asset=asset,
                    session=session.isoformat(),
                    data_version=(data_versions or {}).get(session, "") if frame is parts[-1][1] else "",
                    **versions,
                ),
            )
            for session, parts in first.items()
            for known, frame in parts
        )
        written = {date.fromisoformat(one.footer.session): one for one in self.store_each(files)}  # the last of a session is its newest
        for session in deliveries.keys() - first.keys():
            written[session] = self.write_delivery(asset, session, deliveries[session], **versions)
        return {session: written[session] for session in deliveries}

    def write_delivery(
        self,
        asset: str,
        session: date,
        parts: Sequence[tuple[datetime, pl.DataFrame]],
        *,
        code_version: str = "",
        settings_version: str = "",
    ) -> Written:
        """Store a delivery that says of its rows when they were known, as the vintages in which they became known; returns the newest.

        What partitions could know already stays: beside stored vintages, those alone are added that became known after the newest of them. Another content under other
        settings restates nothing (`write_vintage`), so it is a first delivery, and none of its vintages is left out.

        Parameters
        ----------
        parts
            UTC times, ascending, and the rows that were known from each on; the last one has all rows.
        """
        versions = {"code_version": code_version, "settings_version": settings_version}
        version = data_version(parts[-1][1])
        stored = self._of_settings(asset, session, version, settings_version)
        if stored:
            newest = max(stored)
            is_new = self.footer_of(stored[newest]).data_version != version
            parts = [part for part in parts if is_new and part[0] > newest] or parts[-1:]
        return [self.write_vintage(asset, session, rows, known=known, **versions) for known, rows in parts][-1]

    def write_vintage(
        self, asset: str, session: date, frame: pl.DataFrame, *, known: datetime, code_version: str = "", settings_version: str = ""
    ) -> Written:
        """Store a delivery as a vintage of its partition: a new file only where the content differs from the newest one's.

        The same content again under other versions of code or settings, or over a damaged file, is written in the newest vintage's place: its rows and the time
        from which they were known stay, its footer says what read them last. Another content under other settings answers another question to the source (more symbols,
        another feed): it restates nothing. The vintages of the other settings are put out of the way, and come back when these do.

        Parameters
        ----------
        known
            The UTC time from which the delivery was known. A delivery that differs from the newest vintage is never stored under a time before
            it: it takes the time of this call then, or the next microsecond.
        """
        version = data_version(frame)
        footer = Footer(
            asset=asset, session=session.isoformat(), data_version=version, code_version=code_version, settings_version=settings_version
        )
        vintages = self._of_settings(asset, session, version, settings_version)
        if vintages:
            newest = vintages[max(vintages)]
            stored = self.footer_of(newest)
            if stored.data_version == version:
                if replace(stored, file_sha256=BLANK) == footer and self.fault(newest) is None:
                    return Written(path=newest, footer=stored, rows=frame.height, bytes=newest.stat().st_size)
                return self.store(newest, frame, footer)
            if known <= max(vintages):
                known = max(datetime.now(UTC), max(vintages) + timedelta(microseconds=1))
        return self.store(self.vintage(asset, session, stamp_of(known)), frame, footer)

    def _of_settings(self, asset: str, session: date, version: str, settings_version: str) -> dict[datetime, Path]:
        """The vintages beside which a delivery is stored: those that are there, or, where they have another content under other settings, those of these settings."""
        vintages = self.vintages(asset, session)
        if not vintages:
            return vintages
        stored = self.footer_of(vintages[max(vintages)])
        if stored.data_version == version or stored.settings_version == settings_version:
            return vintages
        return self._change_settings(asset, session, stored.settings_version, settings_version)

    def _change_settings(self, asset: str, session: date, before: str, now: str) -> dict[datetime, Path]:
        """Put the vintages of other settings out of the way (`known=….parquet.<settings version>`) and bring back those of these; returns them."""
        folder = self.folder(asset, session)
        away = [self.vintage(asset, session, stamp) for stamp in self.stamps(asset, session)]
        self.root_folder.rename({path: path.with_name(f"{path.name}.{before or 'none'}") for path in away})
        back = folder.glob(f"{KNOWN}*{ENDING}.{now or 'none'}")
        self.root_folder.rename({path: path.with_name(path.name.removesuffix(f".{now or 'none'}")) for path in back})
        return self.vintages(asset, session)

    def write_made_vintages(
        self, asset: str, made: Iterable[MadeVintage], *, code_version: str = "", settings_version: str = ""
    ) -> list[Written]:
        """Store what was made of vintages of a delivery, each under the time from which it was known; what was made of it before is replaced."""

        def files() -> Iterator[tuple[Path, pl.DataFrame, Footer]]:
            for one in made:
                footer = Footer(
                    asset=asset,
                    session=one.session.isoformat(),
                    data_version=one.data_version,
                    code_version=code_version,
                    settings_version=settings_version,
                    upstream=one.upstream,
                )
                yield self.vintage(asset, one.session, one.stamp, refused=one.refused), one.rows, footer

        return list(self.store_each(files()))

    def write_made_vintage(
        self,
        asset: str,
        session: date,
        frame: pl.DataFrame,
        *,
        stamp: str,
        upstream: Upstream,
        code_version: str = "",
        settings_version: str = "",
    ) -> Written:
        """Store what was made of one vintage of a delivery (`write_made_vintages`)."""
        made = MadeVintage(session=session, stamp=stamp, rows=frame, upstream=upstream)
        return self.write_made_vintages(asset, [made], code_version=code_version, settings_version=settings_version)[0]

    def keep_vintages(self, asset: str, session: date, paths: Iterable[Path]) -> None:
        """Delete of a partition all but these: what was made of vintages that are not there any more, or have another name now, and what was stored before vintages were kept."""
        folder, kept = self.folder(asset, session), set(paths)
        self.put_in_place(folder)  # first, so that the session is never without a file
        stored = [path for prefix in (KNOWN, REFUSED) for path in folder.glob(f"{prefix}*{ENDING}")]
        for path in {*stored, folder / DATA_FILE} - kept:
            if path.is_file():
                self.log.announce(path)
                self.root_folder.remove(path)
