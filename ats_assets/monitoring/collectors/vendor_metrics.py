"""Vendors: requests by what came of them, cache, breaker, budgets."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from ats_assets.monitoring.components import Observed
from ats_assets.monitoring.dagster_storage import opened_read_only
from ats_assets.monitoring.growing_table import Tail
from ats_assets.monitoring.samples import MetricSpec, Samples
from ats_assets.monitoring.stamped import stamp_of_database
from ats_assets.monitoring.watch import Watch
from ats_assets.vendors.call_log import FROM_CACHE, SENT

MOST = 20
METRICS = (
    MetricSpec(
        name="ats_vendor_answered_total",
        text="Requests that were answered, each counted once.",
        kind="counter",
        labels=("vendor", "server"),
        most=MOST,
    ),
    MetricSpec(
        name="ats_vendor_failed_total",
        text="Requests that failed after all attempts.",
        kind="counter",
        labels=("vendor", "server"),
        most=MOST,
    ),
    MetricSpec(
        name="ats_vendor_calls_total",
        text="Attempts since the exporter was started, by what came of them and the status of the answer.",
        kind="counter",
        labels=("vendor", "outcome", "status"),
    ),
    MetricSpec(
        name="ats_vendor_call_seconds_total",
        text="Seconds until these attempts were answered.",
        kind="counter",
        labels=("vendor",),
        most=MOST,
    ),
    MetricSpec(
        name="ats_vendor_cache_hits_total", text="Questions answered from the cache.", kind="counter", labels=("vendor",), most=MOST
    ),
    MetricSpec(
        name="ats_vendor_cache_misses_total",
        text="Questions that the cache might have answered.",
        kind="counter",
        labels=("vendor",),
        most=MOST,
    ),
    MetricSpec(name="ats_vendor_breaker_open", text="Whether the vendor is left alone.", labels=("vendor", "server"), most=MOST),
    MetricSpec(
        name="ats_vendor_failures_in_a_row", text="Requests that failed since the last answer.", labels=("vendor", "server"), most=MOST
    ),
    MetricSpec(name="ats_vendor_last_answer_timestamp_seconds", text="When it answered last.", labels=("vendor", "server"), most=MOST),
    MetricSpec(name="ats_vendor_budget_used_ratio", text="Of the limit that is used most, of any key.", labels=("vendor",), most=MOST),
)
_FINISHED = f"outcome != '{SENT}'"
_CALLS = f"SELECT id, {_FINISHED}, vendor, outcome, coalesce(status, ''), coalesce(seconds, 0) FROM calls"  # noqa: S608 - constants
ROWS_AT_ONCE = 200_000


def collect(watch: Watch, observed: Observed, samples: Samples) -> None:  # noqa: ARG001 - as all collectors
    """Add them; none where no vendor was asked."""
    file = watch.deployment.settings.vendors.state
    if not file.is_file():
        return
    calls = watch.kept.get("vendor calls", "always", lambda: _tail(watch))
    looked = watch.kept.get("vendors", stamp_of_database(file), lambda: _look(watch, calls))
    for health in looked[0]:
        where = (health.vendor, health.host)
        samples.put("ats_vendor_answered_total", health.succeeded, *where)
        samples.put("ats_vendor_failed_total", health.failed, *where)
        samples.put("ats_vendor_breaker_open", health.breaker == "open", *where)
        samples.put("ats_vendor_failures_in_a_row", health.failures_in_a_row, *where)
        samples.put("ats_vendor_last_answer_timestamp_seconds", health.succeeded_at and health.succeeded_at.timestamp(), *where)
    for vendor, (hits, misses) in looked[1].items():
        samples.put("ats_vendor_cache_hits_total", hits, vendor)
        samples.put("ats_vendor_cache_misses_total", misses, vendor)
    for vendor, share in looked[2].items():
        samples.put("ats_vendor_budget_used_ratio", share, vendor)
    seconds: dict[str, float] = {}
    for key, count in calls.counts.most_common():
        vendor, outcome, status = key  # pyright: ignore[reportGeneralTypeIssues]
        samples.put("ats_vendor_calls_total", count, vendor, outcome, str(status))
        seconds[vendor] = seconds.get(vendor, 0.0) + (calls.amounts[key] if outcome != FROM_CACHE else 0.0)
    for vendor, total in seconds.items():
        samples.put("ats_vendor_call_seconds_total", total, vendor)


def _look(watch: Watch, calls: Tail) -> tuple[list[Any], dict[str, tuple[int, int]], dict[str, float]]:
    from ats_assets.vendors.open_vendor import open_state  # noqa: PLC0415 - who asks no vendor does without

    calls.look()
    state = open_state(watch.deployment.settings)
    shares: dict[str, float] = {}
    for use in state.budget_use():
        shares[use.vendor] = max(shares.get(use.vendor, 0.0), use.units / use.most)
    return state.health(), state.cache_looks(), shares


def _tail(watch: Watch) -> Tail:
    file = watch.deployment.settings.vendors.state

    def rows(select: str, parameters: Sequence[int]) -> list[tuple[int, bool, tuple[str, str, str], float]]:
        try:
            with opened_read_only(file) as connection:
                found = connection.execute(select, parameters).fetchall()
        except sqlite3.Error:  # the file is replaced where it is damaged; it is looked at again
            return []
        return [
            (number, bool(done), (vendor, outcome, status), seconds) for number, done, vendor, outcome, status, seconds in sorted(found)
        ]

    def again(numbers: Sequence[int]) -> list[tuple[int, bool, tuple[str, str, str], float]]:
        return rows(f"{_CALLS} WHERE id IN ({', '.join('?' * len(numbers))})", numbers)

    return Tail(lambda number: rows(f"{_CALLS} WHERE id > ? ORDER BY id DESC LIMIT {ROWS_AT_ONCE}", [number]), again)
