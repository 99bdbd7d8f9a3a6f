"""Browsers that have logged in with a key: a random token in a cookie, of which the file holds the hash alone.

The cookie is HttpOnly and SameSite=Strict, so that no script reads it and no other site's page sends it. What a page writes carries a token beside it (`X-CSRF-Token`), which
follows from the cookie's and which only the service's own pages can ask for (`/api/v1/me`). A session ends with its key, with its time, or with a logout.
"""

import hashlib
import hmac
import json
import os
import secrets
import time
from pathlib import Path

from filelock import FileLock

from ats_assets.storage.atomic_file import replace_file

COOKIE = "ats_session"
CSRF_HEADER = "x-csrf-token"
FILE = "browser_sessions.json"


def csrf_token(session: str) -> str:
    """The token that a page sends with what it writes."""
    return hmac.new(session.encode(), b"csrf", hashlib.sha256).hexdigest()


def is_csrf_token(session: str, token: str) -> bool:
    """Whether it is the session's, compared in constant time."""
    return hmac.compare_digest(csrf_token(session).encode(), token.encode(errors="replace"))


class BrowserSessions:
    """The sessions of a deployment, in one file of its data folder, so that they outlive the process.

    Parameters
    ----------
    folder
        The data folder.
    hours
        For which one lasts.
    """

    def __init__(self, folder: Path, hours: float) -> None:
        self._path = folder / FILE
        self.seconds = int(hours * 3600)
        self._stamp: tuple[int, int] | None = None
        self._sessions: dict[str, tuple[str, float]] = {}

    def begin(self, key_id: str) -> str:
        """Begin the session of a key, and give its token, this one time."""
        token = secrets.token_urlsafe(32)
        self._change(add={_hashed(token): (key_id, time.time() + self.seconds)})
        return token

    def end(self, token: str) -> None:
        """End a session."""
        self._change(remove=_hashed(token))

    def key_id(self, token: str) -> str | None:
        """The id of the key whose session it is; None: there is none, or it is over."""
        found = self._read().get(_hashed(token))
        return found[0] if found is not None and found[1] > time.time() else None

    def _change(self, *, add: dict[str, tuple[str, float]] | None = None, remove: str = "") -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._path}.lock", mode=0o600):
            now = time.time()
            kept = {token: one for token, one in self._read().items() if one[1] > now and token != remove}
            content = json.dumps(kept | (add or {})).encode()
            replace_file(self._path, lambda file: (os.fchmod(file.fileno(), 0o600), file.write(content)))

    def _read(self) -> dict[str, tuple[str, float]]:
        try:
            stat = os.stat(self._path)  # noqa: PTH116 - with each request of a browser
        except FileNotFoundError:
            return {}
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp != self._stamp:
            self._sessions = _parsed(self._path)
            self._stamp = stamp
        return self._sessions


def _parsed(path: Path) -> dict[str, tuple[str, float]]:
    """What the file says; a damaged one means that browsers log in again."""
    try:
        found = json.loads(path.read_bytes())
        return {str(token): (str(key), float(until)) for token, (key, until) in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
