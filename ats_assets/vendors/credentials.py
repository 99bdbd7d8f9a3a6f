"""The keys of vendors: from the environment or files that it names, never shown, and exchanged without a restart.

A variable `NAME` holds a key, or `NAME_FILE` names the file that does, which is looked at again before each request, since a process can't see its environment change.
`NAME_NEXT` (or `NAME_NEXT_FILE`) holds the key that follows it. While both are there, the next one is asked with first, and the old one where the vendor refuses it:
so a key is exchanged by adding the next one, waiting until the audit log shows no request with the old one, and only then taking the old one out.
"""

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import NoReturn

from ats_assets.errors import SettingsError
from ats_assets.secrecy import HIDDEN, hold_secret_text, is_distinct, secret_forms

NEXT, FILE = "_NEXT", "_FILE"
"""Endings of the variables beside `NAME`."""
_MOST_BYTES = 4096


class Secret:
    """A text that only `reveal` shows. It can be neither pickled nor copied into another process."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text, for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        return HIDDEN

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled: read it again from the environment, where it is needed")


@dataclass(frozen=True)
class VendorKey:
    """One key of a vendor: a text, or several that belong together, in the order of the variables' names.

    Attributes
    ----------
    fingerprint
        Eight hexadecimal digits that tell keys apart in the audit log; the key can't be found from them.
    """

    parts: tuple[Secret, ...]
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        whole = "\0".join(part.reveal() for part in self.parts)
        object.__setattr__(self, "fingerprint", hashlib.sha256(f"ats vendor key\0{whole}".encode()).hexdigest()[:8])

    def reveal(self) -> str:
        """The first part, for the one place that sends it."""
        return self.parts[0].reveal()


class VendorKeys:
    """The keys under some names, as they are now. Safe for several threads.

    Parameters
    ----------
    names
        Of the variables that make one key together: mostly one.
    older
        Name -> names that it had before, which are read where it is not set.
    why
        What a message adds about where to get them.
    environment
        Other variables than the process's own, in tests.

    Examples
    --------
    >>> keys = VendorKeys("MASSIVE_API_KEY", environment={"MASSIVE_API_KEY": "abcDEF123456", "MASSIVE_API_KEY_NEXT": "ghiJKL789012"})
    >>> [key.reveal() for key in keys.now()], keys.now()[0].parts
    (['ghiJKL789012', 'abcDEF123456'], (***,))
    """

    def __init__(
        self,
        *names: str,
        older: Mapping[str, Sequence[str]] | None = None,
        why: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.names = names
        self._older = older or {}
        self._why = why
        self._environment = lambda: os.environ if environment is None else environment  # a function shows nothing of what it knows
        self._lock = threading.Lock()
        self._read: dict[Path, tuple[object, Secret]] = {}
        self._made: dict[str, VendorKey] = {}
        self._scrubber = 0, Scrubber([])

    def now(self) -> list[VendorKey]:
        """The keys that there are, in the order in which they are asked with: the next one, then the one before.

        Raises
        ------
        SettingsError
            If there is none, or one can't be one; the message names the variable, never its value.
        """
        found = [key for ending in (NEXT, "") if (key := self._key(ending))]
        if found:
            return found
        missing = [name for name in self.names if self._secret(name, self._older.get(name, ())) is None]
        raise SettingsError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set: put it in the environment or .env, or name a file that holds it in "
            f"{missing[0]}{FILE}{f'. {self._why}' if self._why else ''}"
        )

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("keys are not pickled: read them again from the environment, where they are needed")

    def which_are_set(self) -> dict[str, bool]:
        """For each variable whether there is a key; never what it is."""
        return {name: self._secret(name, self._older.get(name, ())) is not None for name in self.names}

    def scrubber(self) -> "Scrubber":
        """Takes every key out that there is or was in this process."""
        with self._lock:
            if self._scrubber[0] != len(self._made):
                self._scrubber = len(self._made), Scrubber(self._made.values())
            return self._scrubber[1]

    def _key(self, ending: str) -> VendorKey | None:
        """The key of this ending; None where a part of it is missing: of a key of two parts, one is exchanged before the other."""
        parts = [self._secret(f"{name}{ending}", self._older.get(name, ()) if not ending else ()) for name in self.names]
        key = VendorKey(tuple(part for part in parts if part))
        if len(key.parts) < len(self.names):
            return None
        with self._lock:
            if key.fingerprint not in self._made:
                hold_secret_text(*(part.reveal() for part in key.parts))
            return self._made.setdefault(key.fingerprint, key)

    def _secret(self, name: str, older: Sequence[str] = ()) -> Secret | None:
        for one in (name, *older):
            secret, file = self._variable(one), self._variable(one + FILE)
            if secret and file:
                raise SettingsError(f"{one} and {one}{FILE} are both set, and it is not clear which key is meant: unset one of them")
            if file:
                secret = self._of_file(Path(file.reveal()).expanduser(), one)
            if secret:
                return _checked(secret, f"{one}{FILE if file else ''}")
        return None

    def _variable(self, name: str) -> Secret | None:
        text = self._environment().get(name, "").strip()
        return Secret(text) if text else None

    def _of_file(self, path: Path, name: str) -> Secret | None:
        """What a file holds now; it is read again where it is another one, or another is in its place."""
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            known = self._read.get(path)
            if known is None or known[0] != stamp:
                known = self._read[path] = (stamp, Secret(path.read_bytes()[:_MOST_BYTES].decode(errors="replace").strip()))
        except FileNotFoundError:
            if name.endswith(NEXT):
                return None  # there is no next key yet
            raise SettingsError(f"{name}{FILE} names {path}, which is not there: put the key in it, or correct the name") from None
        except OSError as error:
            raise SettingsError(
                f"{name}{FILE} names {path}, which can't be read ({type(error).__name__}): it is a text file with the key alone"
            ) from None
        return known[1] if known[1].reveal() else None


def _checked(secret: Secret, name: str) -> Secret:
    if not (secret.reveal().isascii() and secret.reveal().isprintable() and " " not in secret.reveal()):
        raise SettingsError(f"{name} holds characters that no key has (blanks, quotes of another alphabet): copy it again")
    return secret


class Scrubber:
    """Takes keys out of what a server says: it may repeat what it was sent.

    Parameters
    ----------
    keys
        Every key that the server may know.
    """

    def __init__(self, keys: Iterable[VendorKey]) -> None:
        secrets = {part.reveal() for key in keys for part in key.parts}
        distinct = [secret for secret in secrets if is_distinct(secret)]
        self._plain = sorted(secrets, key=len, reverse=True)
        self._forms = sorted({form for secret in distinct for form in secret_forms(secret)}, key=len, reverse=True)
        self._bytes = [form.encode() for form in self._forms]
        self._escaped = [re.compile(b"".join(map(_in_json, secret))) for secret in distinct]

    def text(self, text: str) -> str:
        """A text for people: every key in it is replaced by `HIDDEN`, escaped or not, however short."""
        for form in (*self._forms, *self._plain):
            text = text.replace(form, HIDDEN)
        return text

    def content(self, content: bytes) -> bytes:
        """Data: a key in it is replaced by as many asterisks. One so short that it may be an ordinary word is left, since data would be changed."""
        for form in self._bytes:
            if form in content:
                content = content.replace(form, b"*" * len(form))
        if _ESCAPE in content:
            for pattern in self._escaped:
                content = pattern.sub(lambda match: b"*" * len(match[0]), content)
        return content

    def shows(self, content: bytes) -> bool:
        """Whether there is a key in data."""
        return any(form in content for form in self._bytes) or (
            _ESCAPE in content and any(map(re.Pattern.search, self._escaped, repeat(content)))
        )


_ESCAPE = b"\\u00"


def _in_json(character: str) -> bytes:
    """A pattern of all ways in which JSON may write a character."""
    code = f"{ord(character):02x}".encode()
    written = {re.escape(character.encode()), re.escape(json.dumps(character)[1:-1].encode()), re.escape(b"\\" + character.encode())}
    return b"(?:" + b"|".join(sorted(written)) + b"|" + re.escape(_ESCAPE) + b"(?i:" + code + b"))"
