"""Fits that are made by other threads before the step that stores them, while the graph makes the inputs of later sessions.

A fit is a pure function of what it reads. One that was made ahead is taken where what the step would read for it is what was read: the same versions of every partition, code
and settings. Else it is fitted anew in the step, as if nothing had been made ahead.

Where a run has workers (`orchestration.spreading`), these make the fits instead of threads, ahead or not: each reads what it needs itself, and hands back what the library stores.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from functools import partial
from itertools import accumulate, groupby
from typing import Final
from uuid import uuid4

from ats_assets.deployment import Deployment
from ats_assets.errors import WorkerError
from ats_assets.models.fit_answers import answer_at, fit_over
from ats_assets.models.fit_states import FitOver, WantedFit
from ats_assets.orchestration.spreading import MAKE_FITS, Spreading, spreading

Made = Callable[[], FitOver]
Alone = Callable[[], Callable[[date], FitOver]]
"""Makes what fits single sessions, in a worker."""
PIECE_ROWS: Final = 1_000_000
"""That the fits of one piece of work learn from, about, at most: with a worker no more than that is lost."""
PIECE_FITS: Final = 16
"""In one piece, about, at most: learners of few rows may be slow ones, and no piece may take so long that an engine holds its worker for lost."""
TOGETHER: Final = 0.8
"""The part of the rows whose fits are handed out together with their neighbours. Those of the newest are handed out one by one, to whoever is done first: no fit takes as long as its rows
say."""


def fits_ahead(deployment: Deployment) -> "FitsAhead":
    """Those of a deployment: `deployment.of(fits_ahead)`."""
    return FitsAhead(deployment.of(spreading))


class FitsAhead:
    """Fits under way, or done and not taken yet."""

    def __init__(self, workers: Spreading) -> None:
        self._workers = workers
        self._pool: ThreadPoolExecutor | None = None
        self._offers: dict[str, Callable[[Sequence[date]], None]] = {}
        self._alone: dict[str, Alone] = {}
        self._kept: tuple[str, Callable[[date], FitOver]] | None = None
        self._fits: dict[tuple[str, date], tuple[WantedFit, Made]] = {}

    def offer(self, asset: str, alone: Alone, begin: Callable[[Sequence[date]], None] | None = None) -> None:
        """Say how a fit of a model is made by a worker, and how the fits of sessions are begun, where they can be made ahead."""
        self._alone[asset] = alone
        if begin is not None:
            self._offers[asset] = begin

    def fit_alone(self, asset: str, session: date, step: str) -> FitOver:
        """Make a fit: called in a worker, which keeps what it has read for the next one of the same step."""
        if self._kept is None or self._kept[0] != f"{asset} {step}":
            self._kept = f"{asset} {step}", self._alone[asset]()
        return self._kept[1](session)

    def begin(self, assets: Iterable[str], sessions: Sequence[date]) -> None:
        """Begin the fits of models, all of whose inputs are stored."""
        for asset in assets:
            if asset in self._offers:
                self._offers[asset](sessions)

    def submit(self, asset: str, wanted: Sequence[WantedFit], fit: Callable[[WantedFit], FitOver], *, at_once: int) -> None:
        """Have fits of a model made in the order given.

        Parameters
        ----------
        wanted
            What they read is not in them: `fit` reads it.
        at_once
            Threads; of the first call only, later fits wait for theirs.
        """
        if self.spreads(asset):
            self.submit_elsewhere(asset, wanted)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="fit")
        for one in wanted:
            self._fits[asset, one.session] = (one, self._pool.submit(fit, one).result)

    def spreads(self, asset: str) -> bool:
        """Whether workers make the fits of a model."""
        return self._workers.engine is not None and asset in self._alone

    def submit_elsewhere(self, asset: str, wanted: Sequence[WantedFit]) -> None:
        """Have those fits of a model made by workers that are not under way."""
        step, new = uuid4().hex, [one for one in wanted if (asset, one.session) not in self._fits]
        for piece in neighbours(new, [self._rows(one) for one in new], self._workers.at_once):
            sessions = [one.session.isoformat() for one in piece]
            answer = self._workers.submit(MAKE_FITS, asset=asset, sessions=sessions, step=step)
            for place, one in enumerate(piece):
                self._fits[asset, one.session] = (one, partial(_answered, asset, one, answer, place))

    def _rows(self, wanted: WantedFit) -> int:
        """That a fit learns from, about; none where its history is too short, so that nothing is fitted."""
        settings, window = self._workers.deployment.settings, wanted.window
        is_long_enough = len(window.train) >= settings.training.min_train_sessions and window.validation
        return settings.universe.size * len(window.decisions) if is_long_enough else 0

    def take(self, asset: str, wanted: WantedFit) -> Made | None:
        """Waits for the fit of a session and returns it; None where none of these very inputs was begun."""
        kept, made = self._fits.pop((asset, wanted.session), (None, None))
        return None if made is None or kept != wanted else made

    def close(self) -> None:
        """Begin no more; what is under way ends first, for nobody."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._pool = None
        self._fits.clear()


def neighbours(wanted: Sequence[WantedFit], rows: Sequence[int], workers: int) -> list[list[WantedFit]]:
    """Pieces of neighbouring fits that learn from about the same number of rows each, the same number of pieces for every worker; then the newest fits, one by one.

    Parameters
    ----------
    rows
        That each fit learns from, about. One with few counts as a part of `PIECE_ROWS` in `PIECE_FITS`, one with none as a hundredth of that: it is only read for.
    """
    counted = [max(own, PIECE_ROWS // PIECE_FITS) if own else PIECE_ROWS // PIECE_FITS // 100 for own in rows]
    total = sum(counted)
    count = workers * max(1, math.ceil(TOGETHER * total / (PIECE_ROWS * workers)))
    middles = [(first + own / 2) / total for first, own in zip(accumulate(counted, initial=0), counted, strict=False)]
    places = [int(middle / TOGETHER * count) if middle < TOGETHER else count + at for at, middle in enumerate(middles)]
    return [[one for one, _ in piece] for _, piece in groupby(zip(wanted, places, strict=True), key=lambda found: found[1])]


def _answered(asset: str, wanted: WantedFit, answer: "Future[bytes]", place: int) -> FitOver:
    """A fit that a worker made; what it raised is raised by whoever stores it, as if it had been made here."""
    try:
        return fit_over(asset, wanted, answer_at(answer.result(), place))
    except WorkerError as error:
        return FitOver(wanted=wanted, found=error)
