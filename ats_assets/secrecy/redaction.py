"""Secrets kept out of all that is written: texts, log records, what goes to a database.

A secret is the value of an environment variable that is known by name (`SECRETS`), looks like one by its name (`…_TOKEN`, `…_SECRET`, `…_PASSWORD`,
`…_KEY`), or is named as one (`hold_secret`), and the password in any address in the environment. Its value is hidden wherever it occurs: as it is,
escaped for an address, for JSON or by `repr`, and in base64 at any offset. A value too weak to be told from ordinary words (see `is_distinct`) is hidden
only where its context says what it is; so is any login in an address or a header, even if nobody knows it here.
"""

import base64
import binascii
import functools
import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote

HIDDEN = "***"
SECRETS = ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "DB_CONNECTION_STR")
"""Variables whose values are secrets, whatever their names look like. Of a database's address the password is, not the host."""
MIN_LENGTH = 8

_NAME = re.compile(r"(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|KEY|CREDENTIALS?)(?:_ID)?(?:_NEXT)?$", re.IGNORECASE)
_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)(?P<user>[^/@\s:\"'\\]*):(?P<password>[^/@\s\"'\\]+)(?=@)")
_QUERY = re.compile(r"[?&]\w*passw(?:or)?d=(?P<password>[^&\s]+)", re.IGNORECASE)
_HOST = re.compile(r"^(?:[\w-]+\.)+[a-z]{2,}$|^(?:\d+\.){3}\d+$|^localhost$", re.IGNORECASE)
_VALUE = r"[^\s\"'\\&,;)}\]*]+"
_QUOTE = r"\\*[\"']"
_BEARER = re.compile(r"(\bbearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_BASIC = re.compile(r"(\bbasic\s+)([A-Za-z0-9+/_-]{4,}={0,2})", re.IGNORECASE)
_NAMES = ("password", "passwd", "pwd", "secret", "token", "api_key", "apikey", "authorization", "apca-api-key-id", "apca-api-secret-key")
"""How names end. A pattern of how they begin would take time that grows with the square of a long word's length, as of base64."""
_SIGN = rf"(?:\s*=\s*|{_QUOTE}\s*[:,=]\s*{_QUOTE})"
_ASSIGNED = re.compile(_SIGN + _VALUE)
_KEYWORD = re.compile(rf"((?:{'|'.join(_NAMES)}){_SIGN}){_VALUE}", re.IGNORECASE)
"""A value in quotes after a name in quotes, so that what is JSON stays JSON, or one after `name=`."""

_held: set[str] = set()
_held_texts: set[str] = set()


def hold_secret(*variables: str) -> None:
    """From now on, the values of these environment variables are secrets."""
    _held.update(variables)


def hold_secret_text(*secrets: str) -> None:
    """From now on, these texts are secrets: they come from where the environment does not show them, such as files."""
    _held_texts.update(secrets)


def secret_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """The names of the variables that are set and hold a secret."""
    environment = os.environ if environment is None else environment
    return sorted(name for name, value in environment.items() if value and (_is_secret(name) or name in _held))


@functools.lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    return name in SECRETS or bool(_NAME.search(name))


def is_distinct(value: str) -> bool:
    """Whether a value can be hidden wherever it occurs: at least eight characters, and not letters of one case alone unless they are sixteen.

    To hide a password like `dagster` everywhere would make nonsense of every text.

    Examples
    --------
    >>> [is_distinct(value) for value in ("dagster", "password", "Password1", "correcthorsebattery")]
    [False, False, True, True]
    """
    return len(value) >= MIN_LENGTH and (len(value) >= 2 * MIN_LENGTH or not (value.isalpha() and (value.islower() or value.isupper())))


class Redactor:
    """Hides secrets in texts.

    Parameters
    ----------
    values
        The secrets. An address counts with its parts: password, tokens in host, path and query.
    """

    def __init__(self, values: Iterable[str]) -> None:
        secrets = {part for value in values for part in _parts(value.strip()) if is_distinct(part)}
        self._forms = sorted({form for secret in secrets for form in secret_forms(secret)}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, self._forms)))

    def __call__(self, text: str) -> str:
        """The text with each secret, and what its context shows to be one, replaced by `***`.

        Each stored text comes here, and hardly any has a secret; so words are looked for before patterns, which is ten times as fast: some hold pictures in base64.
        """
        if any(form in text for form in self._forms):
            text = self._known.sub(HIDDEN, text)
        folded = text.casefold()
        if "://" in folded:
            text = _LOGIN.sub(f"{HIDDEN}:{HIDDEN}", text)
        if "bearer" in folded:
            text = _BEARER.sub(rf"\1{HIDDEN}", text)
        if "basic" in folded:
            text = _BASIC.sub(_without_login, text)
        return _KEYWORD.sub(rf"\1{HIDDEN}", text) if _has_keyword(folded) else text


def _has_keyword(folded: str) -> bool:
    for name in _NAMES:
        at = folded.find(name)
        while at >= 0:
            at += len(name)
            if _ASSIGNED.match(folded, at):
                return True
            at = folded.find(name, at)
    return False


def redacted(text: str) -> str:
    """The text without the secrets of the environment as it is now.

    Examples
    --------
    >>> from ats_assets.secrecy import redacted
    >>> redacted("can't reach postgresql://ats:opensesame42@db.example.org/trading")
    "can't reach postgresql://***:***@db.example.org/trading"
    """
    return current_redactor()(text)


def current_redactor() -> Redactor:
    """The redactor of the environment as it is now.

    It is asked for with each text that is stored, so an environment that is what it was is recognised by one comparison of dictionaries.
    """
    now = (dict(getattr(os.environ, "_data", os.environ)), frozenset(_held), frozenset(_held_texts))
    if _newest and _newest[0] == now:
        return _newest[1]
    redactor = _redactor((*_values(os.environ), *sorted(_held_texts)))
    _newest[:] = [now, redactor]
    return redactor


_newest: list[Any] = []
"""What the environment was when it was last looked at, and the redactor of it."""


@functools.lru_cache(maxsize=64)
def _redactor(values: tuple[str, ...]) -> Redactor:
    return Redactor(values)


def weak_secrets(environment: Mapping[str, str] | None = None) -> list[str]:
    """The names of the variables whose secret can't be hidden wherever it occurs."""
    environment = os.environ if environment is None else environment
    return [name for name in secret_variables(environment) if any(not is_distinct(value) for value in _values({name: environment[name]}))]


def _values(environment: Mapping[str, str]) -> Iterable[str]:
    for name, value in environment.items():
        if name == "DB_CONNECTION_STR" or not (_is_secret(name) or name in _held):
            if "://" in value:
                yield from _passwords(value)
        elif value:
            yield value


def _parts(value: str) -> Iterable[str]:
    """A secret, and if it is an address, what in it is one: neither the scheme nor a host by its name is."""
    yield value
    if scheme := _ADDRESS.match(value):
        for part in re.split(r"[/?&=:@#,]+", value[scheme.end() :]):
            if not _HOST.match(part) and (any(c.isdigit() for c in part) or (part.lower() != part and part.upper() != part)):
                yield from (part, unquote(part))
        yield from _passwords(value)
        yield value[scheme.end() :]


def _passwords(address: str) -> Iterable[str]:
    """Of an address, quoted as it is there and as it is."""
    for match in (*_LOGIN.finditer(address), *_QUERY.finditer(address)):
        yield from (match["password"], unquote(match["password"]))


def secret_forms(secret: str) -> Iterable[str]:
    """How a secret may look in a text: as it is, escaped for an address, for JSON or by `repr`, and in base64 at any offset."""
    yield from (secret, quote(secret, safe=""), quote(secret), quote_plus(secret))
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1])
    raw = secret.encode()
    for offset in range(3):  # base64 takes three bytes at a time: what lies before decides where in it the secret begins
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            coded = encode(b"\0" * offset + raw).decode()
            whole = coded[(offset * 8 + 5) // 6 : (offset + len(raw)) * 8 // 6]  # without the characters that the neighbours share
            if len(whole) >= MIN_LENGTH:
                yield whole


def _without_login(match: re.Match[str]) -> str:
    try:
        login = base64.b64decode(match[2] + "=" * (-len(match[2]) % 4), altchars=b"-_" if set("-_") & set(match[2]) else None)
    except (binascii.Error, ValueError):
        return match[0]
    return f"{match[1]}{HIDDEN}" if b":" in login else match[0]
