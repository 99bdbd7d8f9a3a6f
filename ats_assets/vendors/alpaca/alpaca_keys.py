"""The keys: from the environment only, and never shown. What is printed, logged, pickled or raised has no key in it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from ats_assets.errors import SettingsError
from ats_assets.secrecy import HIDDEN
from ats_assets.vendors.credentials import Secret

KEY_ID, SECRET_KEY = "APCA_API_KEY_ID", "APCA_API_SECRET_KEY"
"""The variables that hold the keys; their names are Alpaca's own."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """The key id and the secret key of one Alpaca account."""

    key_id: Secret
    secret_key: Secret

    def scrub(self, text: str) -> str:
        """The text with either key replaced by `HIDDEN`, for what a server says."""
        for secret in (self.secret_key.reveal(), self.key_id.reveal()):
            text = text.replace(secret, HIDDEN)
        return text


def read_credentials(environment: Mapping[str, str] | None = None) -> Credentials:
    """The keys, from the environment variables APCA_API_KEY_ID and APCA_API_SECRET_KEY.

    Raises
    ------
    SettingsError
        If one is missing or can't be a key; the message names the variable, never its value.
    """
    found = os.environ if environment is None else environment
    missing = [name for name in (KEY_ID, SECRET_KEY) if not found.get(name, "").strip()]
    if missing:
        raise SettingsError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set: put the keys of your Alpaca account (paper and live have different "
            "ones) in the environment. Crypto bars need none"
        )
    values = {name: found[name].strip() for name in (KEY_ID, SECRET_KEY)}
    odd = [name for name, value in values.items() if not (value.isascii() and value.isprintable() and " " not in value)]
    if odd:
        raise SettingsError(f"{' and '.join(odd)} holds characters that no key has (blanks, quotes of another alphabet): copy it again")
    return Credentials(key_id=Secret(values[KEY_ID]), secret_key=Secret(values[SECRET_KEY]))


def which_are_set(environment: Mapping[str, str] | None = None) -> dict[str, bool]:
    """For each variable whether it is set; never its value."""
    found = os.environ if environment is None else environment
    return {name: bool(found.get(name, "").strip()) for name in (KEY_ID, SECRET_KEY)}
