"""What `ats doctor` says of stores: whether each can be reached, and what endangers the copies in it."""

from collections.abc import Iterator

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, SettingsError
from ats_assets.exports.choosing import exports
from ats_assets.runs.finding import Finding


def diagnose_exports(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each export; what is in the stores is compared by `ats exports check`."""
    if not deployment.settings.exports:
        return
    try:
        named = deployment.of(exports)
    except SettingsError as error:
        yield Finding(subject="exports", status="fail", text=str(error), advice="correct the tables [exports.<name>]")
        return
    for name, one in named.items():
        subject = f"exports.{name}"
        try:
            with one.store.connected() as connection:
                remarks = connection.remarks()
        except AtsError as error:
            yield Finding(subject=subject, status="warn", text=str(error), advice="nothing else waits for it")
            continue
        text = f"{one.kind}, for {', '.join(one.assets)}"
        if remarks:
            yield Finding(subject=subject, status="warn", text=f"{text}: {'; '.join(remarks)}", advice="see docs/stores.md")
        else:
            yield Finding(subject=subject, status="ok", text=text)
