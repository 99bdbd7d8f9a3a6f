"""Requests that are sent to vendors while a step asks a source: what there is to say of a download, whose end nobody knows."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from ats_assets.errors import how_many
from ats_assets.settings import Settings
from ats_assets.vendors.open_vendor import open_state


def requests_since(settings: Settings) -> Callable[[datetime], str]:
    """What says how many requests were sent to each vendor since a time, by any process of the deployment; nothing where none was ever asked.

    Examples
    --------
    >>> from datetime import UTC
    >>> requests_since(Settings())(datetime(2024, 3, 1, tzinfo=UTC))
    ''
    """
    path = settings.vendors.state

    def told(since: datetime) -> str:
        if not path.is_absolute() or not path.is_file():
            return ""
        sent = Counter[str]()
        for (vendor, _), (n, _) in open_state(settings).call_counts(since).items():
            sent[vendor] += n
        return ", ".join(f"{how_many(n, 'request')} to {vendor}" for vendor, n in sorted(sent.items()))

    return told
