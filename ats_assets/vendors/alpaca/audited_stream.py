"""A connection to one of Alpaca's streams: which key it is made with, and its line in the audit log."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from ats_assets.vendors.alpaca.alpaca_keys import VENDOR, KeyChoice
from ats_assets.vendors.alpaca.errors import AlpacaKeysError, AlpacaUnreachableError
from ats_assets.vendors.call_log import CallOutcome, VendorCall
from ats_assets.vendors.credentials import VendorKey
from ats_assets.vendors.vendor_state import Terms, VendorState


@contextmanager
def audited_stream(state: VendorState, keys: KeyChoice, url: str, key: VendorKey) -> Iterator[None]:
    """One connection with a key, which is a line of the audit log from its beginning on: `sent`, until it ends.

    Raises
    ------
    AlpacaKeysError
        If the key is refused, and there is no other.
    AlpacaUnreachableError
        If it is refused, and there is: connect again.
    """
    parts, started, outcome = urlsplit(url), time.monotonic(), "ended"
    call = VendorCall(vendor=VENDOR, host=parts.netloc, key=key.fingerprint, method="WS", path=parts.path)
    number = state.begin(call, Terms(waits=False))
    try:
        yield
    except AlpacaKeysError as error:
        outcome = error.outcome if error.status == 401 else "refused"
        if error.status != 401 or not keys.has_another(key):
            raise
        raise AlpacaUnreachableError("the key is refused, and the other one is asked with") from None
    except Exception:  # whatever ended it: the audit log says so, and it is raised on
        outcome = "lost"
        raise
    finally:
        state.end(number, call, CallOutcome(outcome=outcome, seconds=time.monotonic() - started))
