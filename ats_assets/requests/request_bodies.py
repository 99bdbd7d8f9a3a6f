"""What requests are about, by kind. Texts are one line each, numbers of money and shares are exact."""

import unicodedata
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _one_line(value: str) -> str:
    """Without what moves a terminal's cursor or hides text: reasons are shown in logs, pages and chats."""
    return " ".join("".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in value).split())


def _no_float(value: object) -> object:
    if isinstance(value, float):
        raise ValueError(f"give {value!r} as a text: a JSON number of this kind is a binary fraction")  # noqa: TRY004 - pydantic tells it
    return value


Line = Annotated[str, Field(max_length=300), AfterValidator(_one_line)]
Said = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_one_line), Field(min_length=1)]
Exact = Annotated[Decimal, BeforeValidator(_no_float), Field(gt=0, max_digits=18, decimal_places=9, allow_inf_nan=False)]
Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9./-]{0,31}$")]
"""As the bars have it: AAPL, BRK.B, BTC/USD."""


class RequestBody(BaseModel):
    """Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HaltBody(RequestBody):
    """Stop all trading."""

    reason: Said = Field(description="why, for whoever resumes it")


class ResumeBody(RequestBody):
    """Go on after halts."""

    note: Said = Field(description="what was found and mended, for the audit trail")


class PlaceOrderBody(RequestBody):
    """One order in shares."""

    symbol: Symbol
    side: Literal["buy", "sell"]
    quantity: Exact = Field(description="shares, as a text or a whole number")
    kind: Literal["market", "limit"] = "market"
    limit_price: Exact | None = Field(default=None, description="in the currency of the account; of a limit order")
    reason: Line = Field(default="", description="for the audit trail")

    @model_validator(mode="after")
    def _a_limit_has_a_price(self) -> "PlaceOrderBody":
        if (self.kind == "limit") is not (self.limit_price is not None):
            raise ValueError('a limit order has a limit_price, and a market order none: set kind = "limit", or leave limit_price out')
        return self


class CancelOrderBody(RequestBody):
    """Cancel one order."""

    client_order_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,47}$")]
    reason: Line = ""


class PromoteBody(RequestBody):
    """Make a model champion."""

    model: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    reason: Said


class RollbackBody(RequestBody):
    """Go back to the champion before."""

    reason: Said
