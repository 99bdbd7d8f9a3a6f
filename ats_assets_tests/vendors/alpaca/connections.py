"""Settings, keys and waits for tests that ask the double."""

from pathlib import Path
from typing import Any

from ats_assets.settings import AlpacaSettings, OrdersSettings, Settings, load_settings
from ats_assets.vendors.alpaca import Credentials, read_credentials
from ats_assets.vendors.backoff import Backoff
from ats_assets_tests.alpaca_double import KEY_ID, SECRET_KEY

ENVIRONMENT = {"APCA_API_KEY_ID": KEY_ID, "APCA_API_SECRET_KEY": SECRET_KEY}


def connected(url: str, *, live: bool = False, alpaca: dict[str, Any] | None = None, **sections: Any) -> Settings:
    """The settings under which `url` stands in for Alpaca, on both sides."""
    more = {"data_url": url, "trading_url": url, "timeout_seconds": 5} | (alpaca or {})
    return load_settings(alpaca=AlpacaSettings(**more), orders=OrdersSettings(live=live), **sections)


def keys() -> Credentials:
    """The keys that the double accepts."""
    return read_credentials(ENVIRONMENT)


class Waits:
    """Waits that are noted and not waited for."""

    def __init__(self, draw: float = 0.5) -> None:
        self.seconds: list[float] = []
        self._draw = draw

    def backoff(self, max_seconds: float = 60.0) -> Backoff:
        return Backoff(max_seconds=max_seconds, sleep=self.seconds.append, draw=lambda: self._draw)


def mentions_of_keys(folder: Path) -> list[Path]:
    """The files at or below `folder` that hold a key, in any encoding of it that could be read off."""
    needles = [text.encode() for text in (KEY_ID, SECRET_KEY)]
    return [file for file in sorted(folder.rglob("*")) if file.is_file() and any(needle in file.read_bytes() for needle in needles)]
