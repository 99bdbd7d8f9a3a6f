"""The features of option chains, by name: a family that `option_rows` makes of smiles and chains. Nothing heavy is imported here, since settings are checked against its name."""

from types import MappingProxyType
from typing import Final

from ats_assets.features.family import ColumnFamily

OPTION_FEATURES: Final = ColumnFamily(
    name="option_features",
    origin="built in",
    descriptions=MappingProxyType(
        {
            "atm_volatility_30d": "implied volatility a year at the forward, 30 calendar days ahead, between the two expiries next to them",
            "atm_volatility_90d": "the same 90 days ahead",
            "term_slope": "atm_volatility_90d less atm_volatility_30d",
            "skew_25d": "implied volatility of the put with a delta of -0.25 less that of the call with 0.25, 30 days ahead",
            "butterfly_25d": "mean of these two less atm_volatility_30d",
            "iv_rank": "where atm_volatility_30d lies between its lowest (0) and highest (1) value within option_features.rank_sessions",
            "iv_percentile": "share of the sessions before, within the same window, at which atm_volatility_30d was lower",
            "volatility_premium": "atm_volatility_30d less the volatility of the last option_features.realised_sessions daily returns, a year",
            "expected_move": "at-the-money straddle of the first later expiry over its forward: the mean absolute move that options pay for",
            "put_call_volume": "volume of puts over that of calls",
            "put_call_open_interest": "open interest of puts over that of calls",
            "max_pain": "strike at which the open contracts of the first later expiry would pay least, in the quote currency",
            "max_pain_distance": "max_pain over the spot, less 1",
            "gamma_exposure": "change of dealers' delta for a rise of the spot by 1 %, in the quote currency: long of calls, short of puts",
            "unusual_flow": "share of the volume in contracts that traded more than was open before",
            "volume_ratio": "value of the underlying that was traded in options over its mean of option_features.flow_sessions sessions before",
        }
    ),
)
