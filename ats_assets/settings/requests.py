"""What people ask for through the service or a bot: how long a request stands, and whether real money follows it."""

from pydantic import Field

from ats_assets.settings.section import Section


class RequestsSettings(Section):
    """Requests by people: halts, orders on paper, promotions. The service takes them only with `serving.writes = true`."""

    live: bool = Field(
        default=False,
        description="whether orders that a person asks for may cost real money; only where orders.live and alpaca.account = live say so as well",
    )
    confirm_seconds: float = Field(default=120.0, gt=0, le=3_600, description="within which what needs a confirmation is confirmed")
    expire_seconds: float = Field(
        default=3_600.0, gt=0, description="after its confirmation a request is no longer taken up; a halt waits for as long as it takes"
    )
    poll_seconds: float = Field(default=1.0, gt=0, le=60, description="between two looks of the desk for new requests")
    most_open: int = Field(
        default=50, ge=1, description="requests of one key that stand at a time; another one is refused, unless it is a halt"
    )
