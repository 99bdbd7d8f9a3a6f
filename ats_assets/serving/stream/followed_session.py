"""The session that is followed, or that is played again, as the loop's journal has it: quotes and minute bars, a topic a symbol, and risk and performance of the book.

The journal is itself a history that is never changed: the same events make the same deltas. So nothing is written down here, and a cursor holds wherever the journal does; it
does not hold in the next session.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, inspect, select

from ats_assets.serving.stream.topic_log import Delta, RowChange, TopicLog, delta_after, row_text
from ats_assets.storage.processes import is_alive
from ats_assets.trade_state.journal_tables import TAKEN, decisions, events, loops
from ats_assets.trade_state.journal_text import of_text
from ats_assets.trade_state.session_figures import JUDGED, performance_of, risk_of

KINDS = {"quotes": "quote", "bars": "bar"}
"""How topics of symbols begin -> the kind of event."""
BOOK_TOPICS = ("live_risk", "live_performance")
"""Topics of the whole book: a row each time that its risk was judged."""
_ABOUT_CONNECTION = ("lost", "resumed")
_FIELDS = {
    "quote": ("at", "bid", "ask", "bid_size", "ask_size"),
    "bar": ("starts_at", "open", "high", "low", "close", "volume", "repaired", "revised"),
}


class FollowedSession:
    """The newest session of a journal.

    Parameters
    ----------
    strategy
        Whose journal.
    """

    def __init__(self, strategy: str) -> None:
        self._strategy = strategy
        self._heads: dict[str, tuple[int, int, str]] = {}
        """Topic -> which time it was wanted, number and hash of its newest delta."""
        self._heard = self._decided = 0
        self._highest = 0.0
        """Equity of the session."""
        self.session: date | None = None
        self.lost = ""
        """Why the stream of market data is not there; empty where it is."""
        self._holder: str | None = None

    def read(self, connection: Connection, wanted: Mapping[str, int]) -> tuple[list[TopicLog], list[Delta]]:
        """What is new.

        Parameters
        ----------
        wanted
            The topics that somebody hears, each with a number; others are let go. Another number begins a topic anew.

        Returns
        -------
        tuple
            Topics that begin, as they stand after what is new, and the deltas of those that were there.
        """
        if not inspect(connection).has_table(events.name):
            return self._begun(connection, wanted), []
        self._follow_newest(connection)
        self._heads = {topic: head for topic, head in self._heads.items() if wanted.get(topic) == head[0]}
        deltas = [*self._told(connection), *self._judged(connection)]
        return self._begun(connection, wanted), deltas

    @property
    def state(self) -> tuple[str, str]:
        """Of the loop: absent, followed, lost, ended or gone; and why."""
        if self.session is None:
            return "absent", "no session was followed yet"
        if self._holder is None:
            return "ended", f"the session loop of {self.session} has ended"
        if is_alive(self._holder.rpartition(":")[0]) is False:
            return "lost", f"the session loop of {self.session} has stopped without an end: ats trade live goes on with it"
        return ("lost", f"the stream of market data: {self.lost}") if self.lost else ("ok", "")

    def _follow_newest(self, connection: Connection) -> None:
        self._holder = connection.execute(select(loops.c.holder).where(loops.c.strategy == self._strategy)).scalar_one_or_none()
        newest = connection.execute(select(func.max(events.c.session)).where(events.c.strategy == self._strategy)).scalar_one_or_none()
        if newest != self.session:
            self.session, self._heard, self.lost, self._decided, self._highest = newest, 0, "", 0, 0.0
            self._heads.clear()
            about = select(events).where(*self._of(), events.c.kind.in_(_ABOUT_CONNECTION)).order_by(events.c.number.desc()).limit(1)
            for row in connection.execute(about):
                self._note(row)
            self._heard = connection.execute(select(func.max(events.c.number)).where(*self._of())).scalar_one_or_none() or 0

    def _told(self, connection: Connection) -> Iterator[Delta]:
        """The deltas of what was heard since."""
        rows = connection.execute(select(events).where(*self._of(), events.c.number > self._heard).order_by(events.c.number)).all()
        for row in rows:
            self._heard = row.number
            self._note(row)
            prefix = next((prefix for prefix, kind in KINDS.items() if kind == row.kind), "")
            topic = f"{prefix}:{row.symbol}"
            if topic in self._heads and row.verdict in TAKEN:
                time, sequence, digest = self._heads[topic]
                delta = delta_after(topic, sequence, digest, _change(row))
                self._heads[topic] = time, delta.sequence, delta.digest
                yield delta

    def _judged(self, connection: Connection) -> Iterator[Delta]:
        """The deltas of what was decided about the whole book since."""
        for row, change in self._changes_of_book(connection, decisions.c.number > self._decided, self._highest):
            self._decided, self._highest = row.number, max(self._highest, of_text(row.fields)["equity"])
            for topic in BOOK_TOPICS:
                if topic in self._heads:
                    time, sequence, digest = self._heads[topic]
                    delta = delta_after(topic, sequence, digest, change[topic])
                    self._heads[topic] = time, delta.sequence, delta.digest
                    yield delta

    def _changes_of_book(
        self, connection: Connection, which: ColumnElement[bool], highest: float
    ) -> Iterator[tuple[Row[Any], dict[str, RowChange]]]:
        """What was decided about the whole book, and by topic what it changes."""
        judged = (decisions.c.session == self.session, decisions.c.strategy == self._strategy, decisions.c.what.in_(JUDGED))
        for row in connection.execute(select(decisions).where(*judged, which).order_by(decisions.c.number)).all():
            fields, at, key = of_text(row.fields), row.decided_at, str(row.number)
            highest = max(highest, fields["equity"])
            rows = {"live_risk": risk_of(at, row.what, row.reason, fields), "live_performance": performance_of(at, fields, highest)}
            yield row, {topic: RowChange(set={key: row_text({"key": key, **told})}) for topic, told in rows.items()}

    def _begun(self, connection: Connection, wanted: Mapping[str, int]) -> list[TopicLog]:
        """Topics that nobody wanted before, as the journal has them so far."""
        begun = []
        for topic in sorted(wanted.keys() - self._heads.keys()):
            prefix, _, symbol = topic.partition(":")
            origin = "" if self.session is None else self.session.strftime("%Y%m%d").rjust(16, "0")
            log = TopicLog(topic=topic, digest=origin, origin=origin)
            if self.session is not None and topic in BOOK_TOPICS:
                for _, change in self._changes_of_book(connection, decisions.c.number <= self._decided, 0.0):
                    log.take(log.next(change[topic]))
            elif self.session is not None:
                of_topic = (events.c.kind == KINDS[prefix], events.c.symbol == symbol, events.c.verdict.in_(TAKEN))
                query = select(events).where(*self._of(), *of_topic, events.c.number <= self._heard).order_by(events.c.number)
                for row in connection.execute(query):
                    log.take(log.next(_change(row)))
            self._heads[topic] = wanted[topic], log.sequence, log.digest
            begun.append(log)
        return begun

    def _note(self, row: Row[Any]) -> None:
        if row.kind in _ABOUT_CONNECTION:
            self.lost = str(of_text(row.fields).get("reason") or "lost") if row.kind == "lost" else ""

    def _of(self) -> tuple[ColumnElement[bool], ...]:
        return events.c.session == self.session, events.c.strategy == self._strategy


def _change(row: Row[Any]) -> RowChange:
    fields: Mapping[str, Any] = of_text(row.fields)
    told = {name: fields[name] for name in _FIELDS[row.kind] if name in fields}
    key = row.symbol if row.kind == "quote" else fields["starts_at"].isoformat().replace("+00:00", "Z")
    return RowChange(set={key: row_text({"key": key, "symbol": row.symbol, **told})})


def newest_replay(folder: Path) -> Path | None:
    """The trade state of the replay that was written last, in the folder that `ats trade live --replay … --keep` was given."""
    found = [(path.stat().st_mtime_ns, path) for path in folder.glob("trade_state-*.sqlite")] if folder.is_dir() else []
    return max(found)[1] if found else None
