"""How the double misbehaves: faults by script or by chance, and both the same each time.

What a plan decides depends on the request (method, path, query, body) and on how often that very request has come, never on the clock or on which thread was first.
So a seed gives the same faults on each machine, and a client that repeats a request gets through after at most `most` faults.
"""

import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """What goes wrong with one request."""

    RATE_LIMIT = "rate_limit"
    """429 with Retry-After; nothing is handled."""
    ERROR_BEFORE = "error_before"
    """5xx; nothing is handled."""
    CUT_BEFORE = "cut_before"
    """The connection is closed without an answer; nothing is handled."""
    ERROR_AFTER = "error_after"
    """Handled, but the answer is a 5xx."""
    CUT_AFTER = "cut_after"
    """Handled, but the connection is closed without an answer."""
    CUT_BODY = "cut_body"
    """Handled; the connection breaks in the middle of the body, whose Content-Length was announced in full."""
    TRUNCATED_JSON = "truncated_json"
    """Handled; 200 with the first part of the body, as if it were all of it."""
    NOT_JSON = "not_json"
    """Handled; 200 with a page of HTML."""
    EMPTY = "empty"
    """Handled; 200 without a body."""
    DELAY = "delay"
    """Handled at once, answered late."""
    HANG = "hang"
    """Handled late: the request waits, then is handled and answered; a client with a shorter time-out is gone by then."""
    DUPLICATE = "duplicate"
    """Handled twice, as by a proxy that repeats it; the second answer is given."""


UNHANDLED = frozenset({Fault.RATE_LIMIT, Fault.ERROR_BEFORE, Fault.CUT_BEFORE})
"""Faults after which the server has certainly done nothing."""
OF_READS = tuple(fault for fault in Fault if fault is not Fault.HANG)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One scripted fault.

    Parameters
    ----------
    method, path
        Which requests it is about: a method ("" for all) and a regular expression that is searched for in path and query.
    first, times
        It happens to `times` of those requests, from the `first` one on, counted from 1; `times` None: to all that follow.
    """

    fault: Fault
    method: str = ""
    path: str = ""
    first: int = 1
    times: int | None = 1
    status: int = 503
    retry_after: str | None = "1"
    seconds: float = 0.0
    cut_at: float = 0.5
    """Share of the body that is sent before it is cut."""

    def matches(self, method: str, target: str) -> bool:
        """Whether it is about this request."""
        return self.method in ("", method) and re.search(self.path, target) is not None


@dataclass(kw_only=True)
class Plan:
    """What goes wrong, and when. Scripted steps come first, chance after them.

    Parameters
    ----------
    share
        Of the requests that a fault of `faults` happens to by chance.
    most
        The same request is spoilt by chance so often at most.
    """

    steps: tuple[Step, ...] = ()
    seed: int = 0
    share: float = 0.0
    faults: tuple[Fault, ...] = OF_READS
    most: int = 3
    method: str = ""
    """Chance befalls only requests of this method; "" for all."""
    seconds: float = 0.0
    retry_after: str | None = "1"
    _seen: Counter[int] = field(default_factory=Counter)
    _spoilt: Counter[str] = field(default_factory=Counter)
    _times: Counter[str] = field(default_factory=Counter)

    def decide(self, method: str, target: str, body: str) -> Step | None:
        """What happens to this request; None: it is served as it should be."""
        for i, step in enumerate(self.steps):
            if step.matches(method, target):
                self._seen[i] += 1
                if self._seen[i] >= step.first and (step.times is None or self._seen[i] < step.first + step.times):
                    return step
        if self.method not in ("", method):
            return None
        request = f"{method} {target} {body}"
        self._times[request] += 1
        draw = random.Random(f"{self.seed} {self._times[request]} {request}")
        if draw.random() >= self.share or self._spoilt[request] >= self.most:
            return None
        self._spoilt[request] += 1
        return Step(
            fault=draw.choice(self.faults),
            status=draw.choice((500, 502, 503, 504)),
            retry_after=self.retry_after,
            seconds=self.seconds,
            cut_at=draw.random(),
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON, for a double in another process."""
        kept = {k: v for k, v in asdict(self).items() if not k.startswith("_")}
        return kept | {"steps": [asdict(step) for step in self.steps], "faults": list(self.faults)}

    @classmethod
    def from_json(cls, plan: Mapping[str, Any]) -> "Plan":
        """What `to_json` made."""
        steps: Iterable[Mapping[str, Any]] = plan.get("steps", ())
        made = [Step(**{**step, "fault": Fault(step["fault"])}) for step in steps]
        return cls(**{**plan, "steps": tuple(made), "faults": tuple(Fault(name) for name in plan.get("faults", OF_READS))})
