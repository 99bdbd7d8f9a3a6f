"""Failures of requests to Alpaca, as errors of a broker."""

from collections.abc import Iterator
from contextlib import contextmanager

from ats_assets.execution.broker import BrokerError, KeysRefusedError
from ats_assets.vendors.alpaca import AlpacaError, AlpacaKeysError


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Whatever fails in asking is a `BrokerError` with what was asked for."""
    try:
        yield
    except BrokerError:
        raise
    except AlpacaKeysError as error:
        raise KeysRefusedError(f"Alpaca can't be asked for {what}: {error}") from None
    except AlpacaError as error:
        raise BrokerError(f"Alpaca can't be asked for {what}: {error}") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # JSON, but not what was asked for
        raise BrokerError(
            f"Alpaca's answer about {what} has not the documented form ({type(error).__name__}): nothing is done on it"
        ) from None
