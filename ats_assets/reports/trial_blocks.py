"""What is left of the Sharpe ratio when it is known how much was tried: deflated ratio, minimum lengths, probability of overfitting. The number of trials is the ledger's."""

import math

from ats_assets.errors import how_many
from ats_assets.evaluation.skill_summary import MIN_SESSIONS
from ats_assets.evaluation.trial_selection import Selection
from ats_assets.reports.formatting import DASH, decimal, percent, whole
from ats_assets.reports.page_blocks import Block, Callout, Note, Table

CONVINCING = 0.95


def trial_blocks(found: Selection, fault: str | None) -> list[Block]:
    """A sentence on what was tried, and the figures; before them what is wrong with the ledger."""
    warned = [] if fault is None else [Callout(text="The number of trials can't be trusted.", detail=fault, tone="warn")]
    rows = [*_of_ratio(found), *_of_overfitting(found)]
    return [*warned, Note(text=trials_told(found)), Table(columns=("figure", "value", "what it is"), rows=rows, wide=-1)]


def trials_told(found: Selection) -> str:
    """What was tried, and whether the ratio is more than the best of it by chance.

    Examples
    --------
    >>> from ats_assets.evaluation.trial_selection import TrialCount
    >>> trials_told(Selection(count=TrialCount(trials=1, backtests=1, effective=1, groups=1, variance=None), sessions=500, deflated=0.97))
    '1 trial is in the ledger: nothing was chosen from others. The ratio is convincing: 97.0% that the true one is above zero.'
    >>> trials_told(Selection(count=TrialCount(trials=7, backtests=1, effective=4, groups=1, variance=None), sessions=500, deflated=0.6))[:109]
    '7 trials are in the ledger (1 backtest, 6 models that it was chosen from); 4 of them count as different bets.'
    >>> trials_told(Selection(count=TrialCount(trials=1, backtests=1, effective=1, groups=1, variance=None), sessions=26, deflated=0.97))[58:]
    '26 sessions are too few to judge the ratio, 60 are needed; the formula says 97.0% that the true one is above zero.'
    """
    count = found.count
    if count.trials <= 1:
        what = "1 trial is in the ledger: nothing was chosen from others."
    else:
        verb = "count" if count.effective > 1 else "counts"
        alike = (
            f"{count.effective:,} of them {verb} as different bets" if count.effective < count.trials else "each counts as a bet of its own"
        )
        models = count.trials - count.backtests
        of_which = (
            f"{how_many(count.backtests, 'backtest')}, {how_many(models, 'model')} that it was chosen from" if models else "all backtests"
        )
        what = f"{how_many(count.trials, 'trial')} are in the ledger ({of_which}); {alike}."
    if found.deflated is None:
        return f"{what} The returns do not define a ratio."
    likely = f"{percent(found.deflated)} that the true one is above zero"
    if found.sessions < MIN_SESSIONS:
        return f"{what} {how_many(found.sessions, 'session')} are too few to judge the ratio, {MIN_SESSIONS} are needed; the formula says {likely}."
    return f"{what} The ratio {'is' if found.deflated >= CONVINCING else 'is not'} convincing: {likely}."


def _of_ratio(found: Selection) -> list[tuple[str, str, str]]:
    n = found.count.effective
    return [
        ("Sharpe ratio", decimal(found.sharpe), f"a year, of {how_many(found.sessions, 'session')}"),
        ("… standard error", decimal(found.standard_error), "for returns that are correlated over the holding period; Lo (2002)"),
        (
            "Best of chance",
            decimal(found.best_of_chance),
            f"expected largest ratio of {how_many(n, 'bet')} without skill; false strategy theorem",
        ),
        (
            "Deflated Sharpe ratio",
            percent(found.deflated),
            "probability that the true ratio is above zero, given the number of bets, skewness and kurtosis; Bailey and López de Prado (2014)",
        ),
        (
            "Minimum track record",
            _length(found.track_record_sessions, 0, "sessions"),
            "for a ratio above zero with 95% that was not chosen; Bailey and López de Prado (2012)",
        ),
        (
            "Minimum backtest length",
            _length(found.backtest_years, 1, "years"),
            f"until this ratio is more than the best of {how_many(n, 'bet')}; Bailey et al. (2014)",
        ),
    ]


def _of_overfitting(found: Selection) -> list[tuple[str, str, str]]:
    over = found.overfitting
    if over is None:
        return [("Probability of overfitting", DASH, "needs two backtests or more over mostly the same sessions")]
    of = f"of {how_many(found.compared, 'backtest')}, {how_many(len(over.logits), 'choice')} of half the sessions"
    return [
        (
            "Probability of overfitting",
            percent(over.probability),
            f"the best in one half is below the median in the other, {of}; CSCV, Bailey et al. (2017)",
        ),
        ("Probability of loss", percent(over.probability_of_loss), "the best in one half loses in the other"),
        ("What comes back", decimal(over.slope), "slope of the ratio in the other half on that in the chosen one: 1 all of it, 0 nothing"),
    ]


def _length(value: float | None, digits: int, unit: str) -> str:
    if value is None:
        return DASH
    if not math.isfinite(value):
        return "never"
    return f"{decimal(value, digits) if digits else whole(math.ceil(value))} {unit}"
