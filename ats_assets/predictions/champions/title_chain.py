"""Who holds the title of champion, by challenges at refit sessions and by persons' decisions.

The champion of D follows from the rounds of a bounded chain, as regimes are matched (decision 56), and never from the champion that was stored before D:

1. The chain holds the refit sessions of the last `memory_sessions` sessions up to D's last refit session. It begins with the baseline: the model that a person promoted last before it,
   else `champion.model`, else the first of the settings.
2. In each round every other candidate challenges the holder (`evaluation.paired_skill`), over the last `paired_sessions` sessions of outcomes that were known at that refit session.
   Of those that win, the one that beats what it needed by most takes the title.
3. What a person decides takes effect at its session, whether that is a refit session or not, and for `hold_sessions` sessions nobody can challenge it.

So a title that was won lasts for `memory_sessions` sessions after it was last won; then it lapses, unless a person gave it. Without that bound partition D would depend on all before it.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from ats_assets.evaluation.paired_skill import Challenge, PairedSkill, challenged, paired_skill
from ats_assets.settings import LONGEST_PERIOD, ChampionSettings, Refit

Ics = Mapping[date, Mapping[str, Mapping[date, float | None]]]
"""Session at whose close it was known -> model -> decision session -> rank IC."""
PERIOD_SESSIONS: Mapping[Refit, int] = {"session": 1, "weekly": 5, "monthly": 21, "quarterly": 63}
"""Sessions from one look to the next, for counting tries."""
LEAST_SESSIONS = 60
LEAST_PER_HORIZON = 10
"""As of a verdict on skill (`evaluation.skill_summary`)."""


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What a person decided, and the first session whose champion follows it."""

    effective: date
    model: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Title:
    """Who holds the title.

    Attributes
    ----------
    holder
        The name of the model.
    since
        Session of the round or decision; None for the baseline.
    why
        How it came to the title.
    former
        Who held it before in the chain, the last one first.
    held_until
        Place of the first session at which it can be challenged.
    """

    holder: str
    since: date | None
    why: str
    former: tuple[str, ...] = ()
    held_until: int = 0


class TitleChain:
    """The chain of titles over one range of sessions.

    Parameters
    ----------
    names
        Of the candidates, in the order of the settings.
    days
        Consecutive sessions of the calendar: `chain_sessions` before the first session asked for, fewer at the calendar's start, to the last.
    rounds
        The refit sessions among them, ascending.
    ics
        What was known of each candidate.
    horizon
        Sessions over which outcomes overlap.
    """

    def __init__(
        self,
        names: Sequence[str],
        days: Sequence[date],
        rounds: Sequence[date],
        ics: Ics,
        settings: ChampionSettings,
        *,
        horizon: int,
        refit: Refit,
    ) -> None:
        self._names, self._days, self._rounds, self._ics = names, days, rounds, ics
        self._settings, self._horizon = settings, horizon
        self.hold_sessions = settings.hold_sessions
        self._place = {day: i for i, day in enumerate(days)}
        self._refit: Refit = refit
        self.window_of = lru_cache(maxsize=64)(self._window_of)
        self.paired = lru_cache(maxsize=None)(self._paired)

    def title(self, refit: date, until: date, decided: Sequence[Decided], tried: int) -> Title:
        """Who holds the title at a session.

        Parameters
        ----------
        refit
            The last refit session up to `until`.
        until
            The session.
        decided
            By persons, as known at the session, in order of time; what names no candidate is passed over.
        tried
            Different models that had been tried by then, at least those of the settings.
        """
        first = self._place[refit] - self._settings.memory_sessions
        known = [one for one in decided if one.model in self._names and one.effective <= until]
        before = [one for one in known if self._at(one) <= first]
        title = self._given(before[-1], None) if before else self._baseline()
        events: list[tuple[int, int, date | Decided]] = [
            (self._place[day], 0, day) for day in self._rounds if first < self._place[day] <= self._place[refit]
        ]
        events += [(self._at(one), 1 + i, one) for i, one in enumerate(known) if self._at(one) > first]
        for place, _, event in sorted(events, key=lambda item: item[:2]):
            title = self._given(event, title) if isinstance(event, Decided) else self._round(event, place, title, tried)
        return title

    def challenge(self, round_: date, name: str, holder: str, tried: int) -> Challenge:
        """A candidate against the holder, at a refit session."""
        return challenged(
            self.paired(round_, name, holder),
            against=holder,
            tries=self.tries(tried),
            margin=self._settings.margin,
            confidence=self._settings.confidence,
            min_judged_sessions=least_sessions(self._settings, self._horizon),
        )

    def tries(self, tried: int) -> int:
        """How many tries a challenge is one of: so many challengers at so many refit sessions."""
        return challenge_tries(self._settings, self._refit, max(len(self._names), tried))

    def is_held(self, title: Title, refit: date) -> bool:
        """Whether a person's decision keeps all others from challenging the holder at a refit session."""
        return self._place[refit] < title.held_until

    def came_later(self, session: date, decided: Sequence[Decided]) -> bool:
        """Whether a person has decided something after a session."""
        return any(one.model in self._names and one.effective > session for one in decided)

    def _round(self, round_: date, place: int, title: Title, tried: int) -> Title:
        if place < title.held_until:
            return title
        others = [(name, self.challenge(round_, name, title.holder, tried)) for name in self._names if name != title.holder]
        won = [(name, one) for name, one in others if one.wins]
        if not won:
            return title
        name, found = max(won, key=lambda item: (item[1].paired.difference or 0.0) - (item[1].needed or 0.0))
        return Title(holder=name, since=round_, why=f"won at {round_}: {found.text}", former=_former(title, name))

    def _given(self, decided: Decided, title: Title | None) -> Title:
        at = self._at(decided)
        until = at + self._settings.hold_sessions if at >= 0 else 0
        former = () if title is None else _former(title, decided.model)
        return Title(holder=decided.model, since=decided.effective, why=decided.text, former=former, held_until=until)

    def _baseline(self) -> Title:
        named = self._settings.model is not None
        whose = "named by champion.model" if named else "the first of the settings"
        why = f"{whose}, which no challenger has beaten within {self._settings.memory_sessions} sessions"
        return Title(holder=self._settings.model or self._names[0], since=None, why=why)

    def _at(self, decided: Decided) -> int:
        """The place of the session of a decision; -1 where it was before the first, which is longer ago than anything lasts."""
        return -1 if decided.effective < self._days[0] else bisect_left(self._days, decided.effective)

    def _window_of(self, round_: date) -> Mapping[str, Mapping[date, float | None]]:
        place = self._place[round_]
        found: dict[str, dict[date, float | None]] = {name: {} for name in self._names}
        for day in self._days[max(0, place - self._settings.paired_sessions + 1) : place + 1]:
            for name, ics in self._ics.get(day, {}).items():
                if name in found:
                    found[name] |= ics
        return found

    def _paired(self, round_: date, name: str, holder: str) -> PairedSkill:
        found = self.window_of(round_)
        return paired_skill(found[name], found[holder], self._horizon)


def _former(title: Title, new: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([title.holder, *title.former])) if title.holder != new else title.former


def chain_sessions(settings: ChampionSettings, refit: Refit) -> int:
    """How many sessions before D the chain of D reaches, the one of the refit session before D's included."""
    return settings.memory_sessions + max(settings.paired_sessions, settings.hold_sessions) + 2 * max(LONGEST_PERIOD[refit])


def challenge_tries(settings: ChampionSettings, refit: Refit, models: int) -> int:
    """So many challengers, each at all refit sessions of `tries_sessions` sessions.

    Examples
    --------
    >>> challenge_tries(ChampionSettings(rule="challenge"), "monthly", 3)
    240
    """
    return max(models - 1, 1) * -(-settings.tries_sessions // PERIOD_SESSIONS[refit])


def least_sessions(settings: ChampionSettings, horizon: int) -> int:
    """Of decisions that challenger and champion have to be judged on."""
    return max(settings.min_judged_sessions, LEAST_SESSIONS, LEAST_PER_HORIZON * horizon)


def decision_in_words(action: str, who: str, reason: str, known_at: datetime) -> str:
    """A person's decision in words."""
    how = {"promote": "promoted", "rollback": "rolled back to"}[action]
    return f"{how} by {who} at {known_at:%Y-%m-%d %H:%M} UTC: {reason}"
