"""API keys: made, revoked and caller_with. The file holds hashes alone.

A key is `ats_<id>_<secret>`: the id finds its row, the secret is 256 random bits. For such a secret one SHA-256 is enough, and it takes a microsecond a request: slow hashes
(argon2, scrypt) are for passwords, which can be guessed; 2^256 secrets can't, however fast each guess is. Hashes are compared in constant time, and a key whose id is not
known is compared all the same.
"""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from filelock import FileLock
from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from ats_assets.errors import AtsError
from ats_assets.serving.roles import Caller, Role
from ats_assets.storage.atomic_file import replace_file

FILE = "api_keys.json"
_KEY = re.compile(r"ats_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_ANYWHERE = re.compile(r"(ats_[0-9a-f]{12}_)[A-Za-z0-9_-]+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}")
_NO_HASH = "0" * 64


def without_keys(text: str) -> str:
    """A text in which no key can be read that a caller has put into a path or a parameter.

    Examples
    --------
    >>> without_keys("there is no report 'ats_0123456789ab_" + "x" * 43 + "'")
    "there is no report 'ats_0123456789ab_***'"
    """
    return _ANYWHERE.sub(r"\1***", text) if "ats_" in text else text


class KeyFileError(AtsError):
    """The file of API keys can't be read or written, or a key can't be made or found."""


class ApiKey(BaseModel):
    """What is kept of a key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    role: Literal["read", "trade", "admin"]
    sha256: str
    made_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    revoked_at: AwareDatetime | None = None
    speaks_for_others: bool = False

    def state(self, now: datetime) -> Literal["valid", "expired", "revoked"]:
        """Whether it opens anything."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "valid"


class WrongKeyError(Exception):
    """A key that opens nothing. `why`: unknown, expired or revoked."""

    def __init__(self, why: str, name: str = "") -> None:
        super().__init__(why)
        self.why, self.name = why, name


_KEYS = TypeAdapter(list[ApiKey])


class KeyStore:
    """The keys of a deployment, in one file of its data folder; read again whenever it is another file.

    Parameters
    ----------
    folder
        The data folder.

    Examples
    --------
    >>> import tempfile
    >>> store = KeyStore(Path(tempfile.mkdtemp()))
    >>> key = store.add("laptop", Role.READ)
    >>> store.caller(key).name
    'laptop'
    >>> key.split("_", 2)[2] in store.path.read_text()
    False
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._stamp: tuple[int, int, int] | None = None
        self._keys: dict[str, ApiKey] = {}

    def all(self) -> list[ApiKey]:
        """Every key that was made, in order.

        Raises
        ------
        KeyFileError
            If the file is damaged: nobody gets in until it is mended.
        """
        return list(self._read().values())

    def caller(self, key: str) -> Caller:
        """Who shows a key.

        Raises
        ------
        WrongKeyError
            If it opens nothing.
        """
        match = _KEY.fullmatch(key)
        known = self._read().get(match[1]) if match else None
        given = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
        if not hmac.compare_digest(given, known.sha256 if known else _NO_HASH) or known is None:
            raise WrongKeyError("unknown")
        return self._caller(known)

    def caller_of_id(self, key_id: str) -> Caller:
        """Who has logged in with the key of an id.

        Raises
        ------
        WrongKeyError
            If it opens nothing any more.
        """
        known = self._read().get(key_id)
        if known is None:
            raise WrongKeyError("unknown")
        return self._caller(known)

    def _caller(self, known: ApiKey) -> Caller:
        state = known.state(datetime.now(UTC))
        if state != "valid":
            raise WrongKeyError(state, known.name)
        return Caller(name=known.name, role=Role(known.role), key_id=known.id, speaks_for_others=known.speaks_for_others)

    def add(self, name: str, role: Role, *, days: float | None = None, speaks_for_others: bool = False) -> str:
        """Make a key and give it, this one time.

        Raises
        ------
        KeyFileError
            If a key of that name is valid, or the name is no name.
        """
        if not _NAME.fullmatch(name):
            raise KeyFileError(
                f"{name!r} can't be a key's name: use up to 64 letters, digits, spaces and . _ @ -, beginning with a letter or digit"
            )
        now = datetime.now(UTC)
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        key = f"ats_{key_id}_{secret}"
        made = ApiKey(
            id=key_id,
            name=name,
            role=role.value,  # pyright: ignore[reportArgumentType]
            sha256=hashlib.sha256(key.encode()).hexdigest(),
            made_at=now,
            expires_at=None if days is None else now + timedelta(days=days),
            speaks_for_others=speaks_for_others,
        )

        def added(keys: list[ApiKey]) -> list[ApiKey]:
            if any(one.name == name and one.state(now) == "valid" for one in keys):
                raise KeyFileError(f"there is a key {name!r} already: revoke it (ats serve key revoke {name!r}), or choose another name")
            return [*keys, made]

        self._change(added)
        return key

    def revoke(self, name: str) -> int:
        """End the keys of a name, or of an id; how many there were.

        Raises
        ------
        KeyFileError
            If none is valid.
        """
        now = datetime.now(UTC)
        ended = 0

        def revoked(keys: list[ApiKey]) -> Iterable[ApiKey]:
            nonlocal ended
            for one in keys:
                ends = name in {one.name, one.id} and one.revoked_at is None
                ended += ends
                yield one.model_copy(update={"revoked_at": now}) if ends else one

        self._change(revoked)
        if not ended:
            raise KeyFileError(f"there is no key {name!r} to revoke: ats serve key list shows those that there are")
        return ended

    def _change(self, change: Callable[[list[ApiKey]], Iterable[ApiKey]]) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", mode=0o600):
                content = _KEYS.dump_json(list(change(self.all())), indent=1)
                replace_file(self.path, lambda file: (os.fchmod(file.fileno(), 0o600), file.write(content)))
        except OSError as error:
            raise KeyFileError(f"{self.path} can't be written ({error.strerror}): check the folder's permissions") from error

    def _read(self) -> dict[str, ApiKey]:
        try:
            stat = os.stat(self.path)  # noqa: PTH116 - with each request
        except FileNotFoundError:
            self._stamp, self._keys = None, {}
            return self._keys
        stamp = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        if stamp != self._stamp:
            self._keys = self._parsed()
            self._stamp = stamp
        return self._keys

    def _parsed(self) -> dict[str, ApiKey]:
        try:
            return {one.id: one for one in _KEYS.validate_json(self.path.read_bytes())}
        except (OSError, ValueError, ValidationError) as error:
            raise KeyFileError(
                f"{self.path} is no file of API keys ({type(error).__name__}): restore it from a backup, or delete it and make the keys again"
            ) from None
