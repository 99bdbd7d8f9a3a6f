"""Alpha360: qlib's 360 factors, the prices and volumes of the last 60 sessions over the current close and volume."""

from types import MappingProxyType

from ats_assets.features.family import FeatureFamily

SESSIONS = 60
PRICES = ("close", "open", "high", "low", "vwap")


def alpha360() -> FeatureFamily:
    """The family, with qlib's names and expressions in its order: field by field, the oldest session first."""
    series = [(price, "$close") for price in PRICES] + [("volume", "($volume+1e-12)")]
    expressions = {
        f"{field.upper()}{age}": f"{f'Ref(${field}, {age})' if age else f'${field}'}/{scale}"
        for field, scale in series
        for age in reversed(range(SESSIONS))
    }
    descriptions = {f"{price.upper()}#": f"{price} # sessions ago over the current close" for price in PRICES}
    return FeatureFamily(
        name="alpha360",
        description="Qlib's Alpha360: prices and volumes of the last 60 sessions over the current close and volume",
        expressions=MappingProxyType(expressions),
        descriptions=MappingProxyType(descriptions | {"VOLUME#": "volume # sessions ago over the current volume"}),
    )
