"""The rows of `champion` by challenges: who holds the title, who trades in its place where it has no predictions, and what came of each challenge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from ats_assets.predictions.champions.title_chain import Decided, Title, TitleChain, decision_in_words
from ats_assets.predictions.schema import CHAMPION_SCHEMA


@dataclass(frozen=True, kw_only=True)
class AskedTitle:
    """A session to make, and what was known at it.

    Attributes
    ----------
    refit, before
        The last refit session up to the session, and the one before that; None where history has none.
    decided
        By persons, in order of time.
    tried
        Different models that had been fitted; 0 where nothing tells.
    there
        The candidates that have predictions at the session.
    """

    session: date
    refit: date
    before: date | None
    decided: Sequence[Decided] = ()
    tried: int = 0
    there: Sequence[str] = ()


def title_rows(chain: TitleChain, sessions: Sequence[AskedTitle]) -> pl.DataFrame:
    """The rows of the contract `Champion`, of each session in the order of the candidates."""
    rows: list[dict[str, object]] = []
    for one in sessions:
        rows += _rows(chain, _titled(chain, one), one)
    return pl.DataFrame(rows, schema=CHAMPION_SCHEMA)


def decisions_of(promotions: pl.DataFrame) -> tuple[list[Decided], int]:
    """What persons had decided, and how many models had been tried, of one session's rows of the contract `RawPromotions`."""
    made = promotions.filter(pl.col("effective").is_not_null()).iter_rows(named=True)
    decided = [
        Decided(
            effective=one["effective"],
            model=one["model"],
            text=decision_in_words(one["action"], one["who"], one["reason"], one["known_at"]),
        )
        for one in made
    ]
    return decided, max(promotions["tries"].drop_nulls().to_list(), default=0)


def _titled(chain: TitleChain, at: AskedTitle) -> Title:
    """The title at a session; where the one of the refit session before has lapsed since, with its story."""
    now = chain.title(at.refit, at.session, at.decided, at.tried)
    if at.before is None or (now.since is not None and now.since >= at.refit):
        return now
    before = chain.title(at.before, at.before, at.decided, at.tried)
    if before.holder == now.holder or chain.came_later(at.before, at.decided):
        return now
    return replace(now, why=f"{now.why}; the title of {before.holder} lapsed at {at.refit} ({before.why})")


def _rows(chain: TitleChain, title: Title, at: AskedTitle) -> list[dict[str, object]]:
    window = {name: [ic for ic in ics.values() if ic is not None] for name, ics in chain.window_of(at.refit).items()}
    means = {name: sum(ics) / len(ics) for name, ics in window.items() if ics}
    trades = standing_in(title, at.there, means)
    rows: list[dict[str, object]] = []
    for name, ics in window.items():
        reason = _of_holder(title, trades, at.there) if name == title.holder else _of_challenger(chain, title, name, at)
        reason += f"; stands in for {title.holder}, which has no predictions" if name == trades != title.holder else ""
        found = {"judged_sessions": len(ics), "rank_ic": means.get(name), "is_champion": name == trades, "reason": reason}
        rows.append({"session": at.session, "model": name, **found})
    return rows


def _of_holder(title: Title, trades: str, there: Sequence[str]) -> str:
    since = "" if title.since is None else f" since {title.since}"
    reason = f"champion{since}: {title.why}"
    if not there:
        return f"{reason}; no candidate has predictions: flat"
    return f"{reason}; without predictions: {trades} stands in" if trades != title.holder else reason


def _of_challenger(chain: TitleChain, title: Title, name: str, at: AskedTitle) -> str:
    outcome = f"stays, since a decision holds for {chain.hold_sessions} sessions" if chain.is_held(title, at.refit) else "stays"
    return f"challenger: {chain.challenge(at.refit, name, title.holder, at.tried).text}: {outcome}"


def standing_in(title: Title, there: Sequence[str], means: Mapping[str, float]) -> str:
    """Who trades: the holder; where it has no predictions, who held the title before, then the best of the others; the holder where nobody has any, which is flat."""
    others = sorted(there, key=lambda name: -means.get(name, -1.0))
    return next((name for name in (title.holder, *title.former, *others) if name in there), title.holder)
