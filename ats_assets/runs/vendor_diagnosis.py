"""What `ats doctor` says of the vendors that were asked. It asks nothing of them."""

import difflib
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from ats_assets.errors import how_many
from ats_assets.runs.finding import Finding
from ats_assets.settings import Settings


def diagnose_vendors(settings: Settings) -> Iterator[Finding]:
    """A finding a vendor and server; none where no vendor was asked yet."""
    if not settings.vendors.state.is_file():
        return
    from ats_assets.vendors.open_vendor import open_state  # noqa: PLC0415 - who asks no vendor does without
    from ats_assets.vendors.vendor_facts import vendor_facts  # noqa: PLC0415

    facts = vendor_facts(open_state(settings), datetime.now(UTC))
    yield from _never_asked(settings, {one.health.vendor for one in facts})
    for one in facts:
        health, subject = one.health, f"vendor {one.health.vendor}"
        cache = "" if one.cache_hit_rate is None else f", {one.cache_hit_rate:.0%} of what may be kept came from the cache"
        last = f"last answer {health.succeeded_at:%Y-%m-%d %H:%M}Z" if health.succeeded_at else "no answer yet"
        text = f"{health.host}: {last}, {how_many(one.recent_requests, 'request')} in the last day{cache}"
        if health.breaker == "closed" and not health.failures_in_a_row:
            yield Finding(subject=subject, status="ok", text=text)
            continue
        state = "" if health.breaker == "closed" else f"; its breaker is {health.breaker}"
        failed = f"{text}; {how_many(health.failures_in_a_row, 'failure')} in a row{state}. The last one: {health.failure}"
        yield Finding(
            subject=subject,
            status="warn",
            text=failed,
            advice="ats sources health; docs/operations.md says what to do when a vendor is down",
        )


def _never_asked(settings: Settings, asked: Collection[str]) -> Iterator[Finding]:
    """The tables `[vendors.<name>]` of which nothing was asked: one whose name is mistaken is passed over in silence."""
    for name in sorted(set(settings.vendors.own) - set(asked)):
        near = difflib.get_close_matches(name, sorted(asked), n=1, cutoff=0.75)
        text = f"[vendors.{name}] has settings, and no vendor of this name was asked yet{f'; {near[0]} was' if near else ''}"
        advice = f"rename the table to vendors.{near[0]}, if that is meant" if near else ""
        yield Finding(subject=f"vendor {name}", status="warn" if near else "ok", text=text, advice=advice)
