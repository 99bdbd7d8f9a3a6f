"""The service that `ats serve` starts."""

from pydantic import Field

from ats_assets.settings.section import NonNegative, Positive, Section
from ats_assets.settings.streaming import StreamSettings


class ServingSettings(Section):
    """The HTTP service: where it listens, who may ask, and how much."""

    host: str = Field(default="127.0.0.1", description="address that it listens on; another than this machine's needs a key for everything")
    port: int = Field(default=8000, ge=0, le=65_535, description="0: any free one")
    open_reading: bool = Field(
        default=True, description="whether this machine may read without a key, on a loopback address, as long as no key has been made"
    )
    writes: bool = Field(
        default=False, description="whether requests (halt, resume, paper orders, promotions) are taken, with a key whose role may ask"
    )
    hosts: tuple[str, ...] = Field(
        default=(), description="names by which the service is asked beside its address and localhost; another Host header is refused"
    )
    origins: tuple[str, ...] = Field(
        default=(),
        description="origins of other web pages that may read in a browser (CORS), such as https://desk.example.org; none by default",
    )
    https: bool = Field(
        default=False, description="whether a proxy serves it over HTTPS: cookies are Secure then, and browsers keep to HTTPS"
    )
    requests_per_minute: NonNegative = Field(default=6_000, description="of each key, or of each address without one. 0: no limit")
    wrong_keys_per_minute: Positive = Field(default=20, description="of an address; then wrong ones wait, and right ones are taken")
    max_body_bytes: Positive = Field(default=8_000_000, description="of a request: 500 symbols with 158 features take 2 MB")
    max_connections: Positive = Field(default=5_000, description="at once; what is more is answered 503")
    page_rows: Positive = Field(default=5_000, description="of a list, where `limit` does not say")
    max_page_rows: Positive = Field(default=10_000, description="the most that `limit` may ask for")
    ready_megabytes: Positive = Field(default=64, description="of answers that are kept as bytes until what they were read from changes")
    access_log: bool = Field(
        default=True, description="a line on standard error for each request: who, what, status, bytes, time; no query, no header"
    )
    session_hours: Positive = Field(default=12, description="for which a browser stays logged in")
    busy_seconds: float = Field(default=2.0, gt=0, le=60, description="a read waits for a locked database, then is answered 503")
    stream: StreamSettings = StreamSettings()
