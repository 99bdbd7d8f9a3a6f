"""Fits that are made by other threads before the step that stores them, while the graph makes the inputs of later sessions.

A fit is a pure function of what it reads. One that was made ahead is taken where what the step would read for it is what was read: the same versions of every partition, code
and settings. Else it is made again in the step, as if nothing had been made ahead.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date

from ats_assets.deployment import Deployment
from ats_assets.models.fit_states import FitOver, WantedFit

Made = Callable[[], FitOver]


def fits_ahead(_: Deployment) -> "FitsAhead":
    """Those of a deployment: `deployment.of(fits_ahead)`."""
    return FitsAhead()


class FitsAhead:
    """Fits under way, or done and not taken yet."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._offers: dict[str, Callable[[Sequence[date]], None]] = {}
        self._fits: dict[tuple[str, date], tuple[WantedFit, Future[FitOver]]] = {}

    def offer(self, asset: str, begin: Callable[[Sequence[date]], None]) -> None:
        """Say how the fits of a model's sessions are begun."""
        self._offers[asset] = begin

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
        if self._pool is None:
            self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="fit")
        for one in wanted:
            self._fits[asset, one.session] = (one, self._pool.submit(fit, one))

    def take(self, asset: str, wanted: WantedFit) -> Made | None:
        """Waits for the fit of a session and returns it; None where none of these very inputs was begun."""
        kept, future = self._fits.pop((asset, wanted.session), (None, None))
        return None if future is None or kept != wanted else future.result

    def close(self) -> None:
        """Begin no more; what is under way ends first, for nobody."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._pool = None
        self._fits.clear()
