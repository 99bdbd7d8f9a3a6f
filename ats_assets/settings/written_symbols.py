"""How symbols are spelled in files."""

from typing import Literal

from pydantic import Field, model_validator

from ats_assets.settings.section import Section


class WrittenSymbols(Section):
    """What sources of files share: from the symbols in them to those of the warehouse."""

    spelling: Literal["as_written", "yahoo", "nasdaq", "binance", "binance_us", "coinbase", "massive"] = Field(
        default="as_written",
        description="whose spelling the symbols have, which is turned into BRK.B and BTC/USDT; default: they are taken as they are written",
    )
    names: dict[str, str] = Field(
        default_factory=dict,
        description='symbol in the files -> in the warehouse, where its spelling does not tell: { XRPTUSD = "XRP/TUSD" }',
    )

    @model_validator(mode="after")
    def _names_differ(self) -> "WrittenSymbols":
        seen: dict[str, str] = {}
        for theirs, ours in self.names.items():
            if ours in seen:
                raise ValueError(f"names has {seen[ours]} and {theirs} as {ours}: two symbols of one file can't be one instrument")
            seen[ours] = theirs
        return self
