"""`ats sources health`: how each vendor that was asked is doing."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from ats_assets.runs.writing import console, say, write_table
from ats_assets.settings import load_settings
from ats_assets.vendors.open_vendor import open_state
from ats_assets.vendors.vendor_facts import VendorFacts, vendor_facts


def show_health(*, form: str) -> None:
    """Write a row a vendor and server to standard output."""
    settings = load_settings()
    now = datetime.now(UTC)
    facts = vendor_facts(open_state(settings), now) if settings.vendors.state.is_file() else []
    if form == "json":
        rows = [{**asdict(one.health), **{name: value for name, value in asdict(one).items() if name != "health"}} for one in facts]
        sys.stdout.write(json.dumps(rows, indent=2, default=str, ensure_ascii=False) + "\n")
        return
    if not facts:
        say(f"no vendor has been asked yet: {settings.vendors.state} holds nothing")
        return
    names = (
        "vendor",
        "server",
        "breaker",
        "last success",
        "answered",
        "failed",
        "in a row",
        "last day",
        "seconds",
        "budget in use",
        "cache",
    )
    table = Table(*names, box=None, padding=(0, 2, 0, 0))
    for one in facts:
        table.add_row(*map(Text, _row(one)))
    out = console()
    write_table(out, table)
    for one in facts:
        if one.health.failure and one.health.failed_at:
            out.print(
                Text(
                    f"{one.health.vendor}: {one.health.failures_in_a_row} in a row, the last failure at {one.health.failed_at:%Y-%m-%d %H:%M}Z: {one.health.failure}"
                ),
                soft_wrap=True,
            )


def _row(one: VendorFacts) -> tuple[str, ...]:
    health = one.health
    return (
        health.vendor,
        health.host,
        health.breaker,
        f"{health.succeeded_at:%Y-%m-%d %H:%M}Z" if health.succeeded_at else "never",
        f"{health.succeeded:,}",
        f"{health.failed:,}",
        f"{one.recent_requests:,}",
        "-" if one.recent_seconds is None else f"{one.recent_seconds:.3f}",
        ", ".join(f"{use.key} {use.units}/{use.most} in {use.seconds:g} s" for use in one.budgets) or "no limit",
        "-" if one.cache_hit_rate is None else f"{one.cache_hit_rate:.0%}",
    )
