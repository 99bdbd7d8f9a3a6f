"""Whether one model predicts better than another: the mean difference of their rank ICs, session by session, on the same sessions and symbols.

The difference of a session is free of what moves both ICs alike, the market of that session. Differences of neighbouring sessions overlap as the ICs do, so their mean has the
standard error of Newey and West, and is judged by Student's t, as in `edge_test`. A challenger is promoted where

    difference >= margin + t * error,    t: exceeded by chance with a probability of 1 - confidence ** (1 / tries)  (Šidák)

so that with `confidence` none of so many tries is promoted that is better by no more than the margin. A try is one challenger at one refit session: looking every month is trying often.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist

import numpy as np

from ats_assets.evaluation.edge_test import mean_degrees, mean_error, student_equivalent


@dataclass(frozen=True, kw_only=True)
class PairedSkill:
    """The skill of one model less that of another.

    Attributes
    ----------
    sessions
        Decision sessions on which both were judged.
    difference
        Mean difference of the rank ICs; None without such sessions.
    error
        Its standard error; None where it can't be told (fewer than 2 sessions, or no variance).
    degrees
        Of freedom, of Student's t; None without an error.
    """

    sessions: int
    difference: float | None = None
    error: float | None = None
    degrees: float | None = None

    def reversed(self) -> "PairedSkill":
        """The other model less the one."""
        turned = None if self.difference is None else 0.0 - self.difference
        return PairedSkill(sessions=self.sessions, difference=turned, error=self.error, degrees=self.degrees)


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """A challenger against the champion, and what came of it.

    Attributes
    ----------
    needed
        The difference that would have been enough; None where none would have been, since too few sessions are judged.
    wins
        Whether the challenger is promoted.
    text
        The test in words and figures.
    """

    paired: PairedSkill
    needed: float | None
    tries: int
    wins: bool
    text: str


def paired_skill(challenger: Mapping[date, float | None], champion: Mapping[date, float | None], horizon: int) -> PairedSkill:
    """The paired difference of two models' rank ICs.

    Parameters
    ----------
    challenger, champion
        Decision session -> rank IC, or None where it has none; both of the same symbols. Sessions that only one has do not count.
    horizon
        Sessions over which outcomes overlap.

    Examples
    --------
    >>> from datetime import timedelta
    >>> days, noise = [date(2024, 1, 1) + timedelta(i) for i in range(100)], np.random.default_rng(0).normal(0.0, 0.1, (2, 100))
    >>> one, other = (dict(zip(days, row, strict=True)) for row in (noise[0] + 0.05, noise[1]))
    >>> found = paired_skill(one, other, 1)
    >>> found.sessions, round(found.difference, 3), round(found.error, 3)
    (100, 0.063, 0.014)
    """
    both = sorted(day for day in challenger.keys() & champion.keys() if challenger[day] is not None and champion[day] is not None)
    if not both:
        return PairedSkill(sessions=0)
    differences = np.array([challenger[day] for day in both], np.float64) - np.array([champion[day] for day in both], np.float64)
    mean, error = float(differences.mean()), mean_error(differences, horizon)
    degrees = None if error is None else mean_degrees(len(both), horizon)
    return PairedSkill(sessions=len(both), difference=mean, error=error, degrees=degrees)


def needed_difference(paired: PairedSkill, *, tries: int, margin: float, confidence: float) -> float | None:
    """The difference from which on a challenger is better by more than the margin; None where the error is not known.

    Examples
    --------
    >>> paired = PairedSkill(sessions=500, difference=0.004, error=0.003, degrees=60.0)
    >>> [round(needed_difference(paired, tries=tries, margin=0.0, confidence=0.95), 4) for tries in (1, 12, 120)]
    [0.005, 0.0082, 0.0105]
    """
    if paired.error is None or paired.degrees is None:
        return None
    chance = 1.0 - confidence ** (1.0 / max(1, tries))
    return margin + student_equivalent(max(0.0, -NormalDist().inv_cdf(chance)), paired.degrees) * paired.error


def challenged(paired: PairedSkill, *, against: str, tries: int, margin: float, confidence: float, min_judged_sessions: int) -> Challenge:
    """Whether a challenger is promoted.

    Parameters
    ----------
    paired
        The challenger's skill less the champion's.
    against
        What the champion is called in the text.
    tries
        Challengers times looks, at least 1.
    margin
        Of rank IC.
    confidence
        That none of all tries is promoted without being better by more than the margin.
    min_judged_sessions
        With fewer, nothing is promoted.

    Examples
    --------
    >>> paired = PairedSkill(sessions=500, difference=0.004, error=0.003, degrees=60.0)
    >>> challenged(paired, against="lightgbm", tries=12, margin=0.0, confidence=0.95, min_judged_sessions=42).text
    '+0.0040 rank IC against lightgbm +- 0.0030 over 500 sessions, needs +0.0082 after 12 tries'
    """
    needed = needed_difference(paired, tries=tries, margin=margin, confidence=confidence)
    said = "no session" if not paired.sessions else "1 session" if paired.sessions == 1 else f"{paired.sessions:,} sessions"
    if paired.sessions < min_judged_sessions or paired.difference is None:
        text = f"judged beside {against} on {said}, needs {min_judged_sessions}"
        return Challenge(paired=paired, needed=None, tries=tries, wins=False, text=text)
    if needed is None:
        text = f"{paired.difference:+.4f} rank IC against {against} over {said}, whose error can't be told"
        return Challenge(paired=paired, needed=None, tries=tries, wins=False, text=text)
    counted = "1 try" if tries == 1 else f"{tries:,} tries"
    text = f"{paired.difference:+.4f} rank IC against {against} +- {paired.error:.4f} over {said}, needs {needed:+.4f} after {counted}"
    return Challenge(paired=paired, needed=needed, tries=tries, wins=paired.difference >= needed, text=text)
