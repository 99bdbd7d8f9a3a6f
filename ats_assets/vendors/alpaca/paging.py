"""A watch over page tokens: pages that lead back to one that was there already would never end, and alpaca-py follows them for ever."""

import threading
from urllib.parse import parse_qsl, urlencode, urlsplit


class PageWatch:
    """The tokens of each listing that is being read; a listing is a URL without its page token. Safe for several threads."""

    def __init__(self) -> None:
        self._seen: dict[str, set[str]] = {}
        self._lock = threading.Lock()

    def turns_back(self, url: str, next_token: object) -> bool:
        """Whether the answer to `url` names as its next page one that was asked for before."""
        parts = urlsplit(url)
        query = parse_qsl(parts.query, keep_blank_values=True)
        asked = next((value for key, value in query if key == "page_token"), None)
        listing = f"{parts.netloc}{parts.path}?{urlencode(sorted(pair for pair in query if pair[0] != 'page_token'))}"
        with self._lock:
            seen = set() if asked is None else self._seen.pop(listing, set()) | {asked}
            if not isinstance(next_token, str) or not next_token:
                self._seen.pop(listing, None)
                return False
            if next_token in seen:
                return True
            self._seen[listing] = seen
            return False
