"""Alpaca's keys: a key id and a secret key, which belong together. Where they come from, and how they are exchanged: `vendors/credentials.py`."""

from collections.abc import Mapping

from ats_assets.vendors.credentials import Scrubber, Secret, VendorKey, VendorKeys
from ats_assets.vendors.vendor_state import VendorState

KEY_ID, SECRET_KEY = "APCA_API_KEY_ID", "APCA_API_SECRET_KEY"
"""The variables that hold the keys; their names are Alpaca's own."""
VENDOR = "alpaca"


class Credentials(VendorKeys):
    """The key id and the secret key of one Alpaca account, as they are now."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        why = "They are the keys of your Alpaca account (paper and live have different ones). Crypto bars need none"
        super().__init__(KEY_ID, SECRET_KEY, why=why, environment=environment)

    @property
    def key_id(self) -> Secret:
        """Of the key that is asked with first."""
        return self.now()[0].parts[0]

    @property
    def secret_key(self) -> Secret:
        """Likewise."""
        return self.now()[0].parts[1]

    def scrub(self, text: str) -> str:
        """The text with every key replaced, for what a server says."""
        return self.scrubber().text(text)


class KeyChoice:
    """Which key Alpaca is asked with: the first that was not refused in the last minutes, by any process.

    Parameters
    ----------
    credentials
        None: none is needed.
    """

    def __init__(self, credentials: Credentials | None, state: VendorState) -> None:
        self._credentials = credentials
        self._state = state

    def now(self) -> VendorKey | None:
        """The key."""
        keys = self._credentials.now() if self._credentials else [None]
        if len(keys) == 1:
            return keys[0]
        refused = self._state.refused_keys(VENDOR)
        return next((key for key in keys if key and key.fingerprint not in refused), keys[0])

    def has_another(self, key: VendorKey) -> bool:
        """Note that a key is refused. Whether there is another that was not."""
        self._state.refuse_key(VENDOR, key.fingerprint)
        refused = self._state.refused_keys(VENDOR)
        return any(other.fingerprint not in refused for other in (self._credentials.now() if self._credentials else []))

    def scrubber(self) -> Scrubber:
        """Takes all keys out."""
        return self._credentials.scrubber() if self._credentials else Scrubber([])


def read_credentials(environment: Mapping[str, str] | None = None) -> Credentials:
    """The keys, from the environment variables APCA_API_KEY_ID and APCA_API_SECRET_KEY, or the files that these with _FILE name.

    Raises
    ------
    SettingsError
        If one is missing or can't be a key; the message names the variable, never its value.
    """
    credentials = Credentials(environment)
    credentials.now()
    return credentials


def which_are_set(environment: Mapping[str, str] | None = None) -> dict[str, bool]:
    """For each variable whether there is a key; never what it is."""
    return Credentials(environment).which_are_set()
