"""The contracts of the stage's frames."""

from datetime import date

import pandera.polars as pa
from pandera.api.polars.model_config import BaseConfig


class ImpactMarketRows(pa.DataFrameModel):
    """What is known of each symbol at the session's close and says what trades in it cost, sorted by (session, symbol): of each that has a bar in the windows."""

    symbol: str = pa.Field(description="ticker, as in the bars")
    session: date = pa.Field(description="known at its close, for trades after it")
    dollar_volume: float = pa.Field(nullable=True, ge=0, description="close times volume, median of `impact.volume_sessions`")
    volatility: float = pa.Field(
        nullable=True, ge=0, description="standard deviation of daily returns over `impact.volatility_sessions`, free of corporate actions"
    )
    spread: float = pa.Field(
        nullable=True, ge=0, description="full spread as a share of the price: quoted, or estimated of daily bars where settings say so"
    )

    class Config(BaseConfig):
        """One row for each symbol."""

        strict = True
        ordered = True
        unique = ["symbol", "session"]  # noqa: RUF012


class ImpactFit(pa.DataFrameModel):
    """What one's own fills of `impact.fit_sessions` say of the model of impact at the session's close, one row a session."""

    session: date = pa.Field(unique=True, description="fills of sessions up to it")
    model: str = pa.Field(description="the model of impact; a fit of another one counts for nothing")
    fills: int = pa.Field(ge=0, description="orders that were filled and of which all is known, the fit's rows")
    sessions: int = pa.Field(ge=0, description="that they are of")
    scale: float = pa.Field(ge=0, description="of the model's impact: what is fitted, shrunk toward 1; 1 where nothing is fitted")
    fitted: float = pa.Field(nullable=True, description="as the fills alone have it")
    standard_error: float = pa.Field(nullable=True, ge=0, description="of `fitted`")
    beside_bps: float = pa.Field(nullable=True, description="what the fills cost beside spread and impact, whatever their size")
    beside_error_bps: float = pa.Field(nullable=True, ge=0, description="its standard error")
    reason: str = pa.Field(nullable=True, description="why nothing is fitted")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
