"""A client of a vendor as the settings want it, over what all processes share."""

from dataclasses import replace

from ats_assets.settings import Settings
from ats_assets.vendors.asking_again import ShowKey
from ats_assets.vendors.backoff import Backoff
from ats_assets.vendors.circuit import Breaker
from ats_assets.vendors.credentials import VendorKeys
from ats_assets.vendors.http import VendorHttp, bearer
from ats_assets.vendors.vendor_limits import Limit, VendorLimits
from ats_assets.vendors.vendor_state import Keeping, VendorState, shared_state


def open_state(settings: Settings) -> VendorState:
    """What all processes of the deployment share; settings that were made in a program, and know no folder, share nothing."""
    vendors = settings.vendors
    keeping = Keeping(audit_days=vendors.audit_days, audit_rows_max=vendors.audit_rows_max, cache_megabytes=vendors.cache_megabytes)
    return shared_state(vendors.state, keeping) if vendors.state.is_absolute() else VendorState(keeping=keeping)


def limits_of(settings: Settings, vendor: str, own: VendorLimits) -> VendorLimits:
    """The limits of a vendor: its own, but where the settings say others for a minute or a second."""
    chosen = settings.vendors.of(vendor)
    said = {60.0: chosen.requests_per_minute, 1.0: chosen.requests_per_second}
    kept = [limit for limit in own.limits if said.get(limit.seconds) is None]
    return replace(own, limits=(*kept, *(Limit(units, seconds) for seconds, units in said.items() if units is not None)))


def breaker_of(settings: Settings, vendor: str) -> Breaker:
    """When a vendor is left alone."""
    chosen = settings.vendors.of(vendor)
    return Breaker(chosen.breaker_failures, chosen.breaker_seconds)


def open_vendor(
    settings: Settings,
    vendor: str,
    base_url: str,
    credentials: VendorKeys | None,
    limits: VendorLimits,
    *,
    put_key: ShowKey = bearer,
    headers: dict[str, str] | None = None,
    backoff: Backoff | None = None,
) -> VendorHttp:
    """A client of a vendor.

    Parameters
    ----------
    vendor
        Its name in the settings: `[vendors.<name>]`.
    limits
        What its documentation says; the settings may say others.
    """
    chosen = settings.vendors.of(vendor)
    return VendorHttp(
        vendor,
        base_url,
        credentials,
        limits_of(settings, vendor, limits),
        state=open_state(settings),
        backoff=backoff or Backoff(max_seconds=chosen.max_wait_seconds),
        put_key=put_key,
        headers=headers,
        timeout_seconds=chosen.timeout_seconds,
        max_attempts=chosen.max_attempts,
        breaker=breaker_of(settings, vendor),
        cache_seconds=chosen.cache_seconds,
    )
