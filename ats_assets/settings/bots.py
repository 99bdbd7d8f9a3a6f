"""The bots: who may use them, and where they answer."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ats_assets.settings.section import Name, NonNegative, Positive, Section

PersonId = Annotated[str, Field(pattern=r"^(telegram|discord):[1-9][0-9]{0,19}$")]
"""The front and the id that it gives."""
PlaceId = Annotated[str, Field(pattern=r"^(telegram:-?[1-9][0-9]{0,19}|discord:[1-9][0-9]{0,19})$")]


class PersonSettings(Section):
    """Somebody who may use the bots."""

    role: Literal["viewer", "trader", "admin"] = Field(
        description="viewer: reads; trader: also asks for orders, pause and resume; admin: also who is who"
    )
    name: str = Field(default="", max_length=60, description="for people to read; default: the id")


class TelegramSettings(Section):
    """The Telegram bot. Its token comes from TELEGRAM_BOT_TOKEN, or from the file that TELEGRAM_BOT_TOKEN_FILE names."""

    enabled: bool = Field(default=False, description="whether it runs")
    server: str = Field(
        default="https://api.telegram.org", pattern=r"^https?://[^\s]+$", description="Telegram's, or a Bot API server of your own"
    )


class DiscordSettings(Section):
    """The Discord bot. Its token comes from DISCORD_BOT_TOKEN, or from the file that DISCORD_BOT_TOKEN_FILE names."""

    enabled: bool = Field(default=False, description="whether it runs")


class PlanSettings(Section):
    """What can be subscribed to, by whoever writes to the bots in private."""

    title: str = Field(min_length=1, max_length=32, description="for people to read")
    price: Decimal = Field(default=Decimal(0), ge=0, description="for a period, in `currency`; 0: free, or for Telegram's stars alone")
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$", description="of the price")
    period: Literal["month", "year"] = "month"
    stars: int | None = Field(default=None, ge=1, le=100_000, description="the price in Telegram's stars; default: not sold for them")
    trial_days: NonNegative = Field(default=0, description="of somebody's first subscription, once")
    delay_minutes: NonNegative = Field(default=0, description="after publication, until its subscribers get a session's signals")
    strategies: tuple[Name, ...] = Field(default=(), description="whose signals it has; default: all")
    rows: int = Field(default=10, ge=1, le=40, description="of a session's signals, the strongest first")


class StripeSettings(Section):
    """Payments by Stripe. The key comes from STRIPE_API_KEY, the secret of the webhook from STRIPE_WEBHOOK_SECRET (and _NEXT while it is exchanged), or from files (_FILE)."""

    enabled: bool = Field(default=False, description="whether plans can be paid for by it")
    host: str = Field(default="127.0.0.1", description="where the webhook is heard; a proxy of your own brings Stripe's messages there")
    port: int = Field(default=8010, ge=1, le=65_535, description="of the webhook: POST /payments/stripe")
    success_url: str = Field(default="", pattern=r"^(https://\S+)?$", description="where people come to after they have paid")
    cancel_url: str = Field(default="", pattern=r"^(https://\S+)?$", description="where people come to who have not")
    api_base: str | None = Field(default=None, pattern=r"^https?://\S+$", description="default: Stripe's")

    @model_validator(mode="after")
    def _people_come_back(self) -> "StripeSettings":
        if self.enabled and not (self.success_url and self.cancel_url):
            raise ValueError("success_url and cancel_url must be given: the pages where people come back to from Stripe's")
        return self


class TelegramPaymentsSettings(Section):
    """Payments in Telegram's chat, in stars, or through a provider whose token comes from TELEGRAM_PAYMENTS_TOKEN."""

    enabled: bool = Field(default=False, description="whether plans can be paid for by it")
    provider: bool = Field(default=False, description="whether through a payment provider, for a plan's `price`; default: for its `stars`")


class SubscriptionSettings(Section):
    """Who is written to, how soon and how often. Nothing can be subscribed to unless `plans` has some. Read docs/subscriptions.md first: to sell signals may need a licence."""

    plans: dict[Name, PlanSettings] = Field(default_factory=dict, description="name -> what it costs and has")
    grace_days: NonNegative = Field(default=3, description="for which a plan goes on where a payment of a subscription does not come")
    news_every_seconds: float = Field(default=30.0, ge=1, description="between two looks for new signals")
    messages_per_second: int = Field(default=20, ge=1, le=30, description="of all; Telegram takes some thirty")
    gap_seconds: float = Field(default=2.0, ge=0, description="between two messages to one person")
    lasts_hours: Positive = Field(default=24, description="after which a message that could not be sent is no news any more")
    stripe: StripeSettings = StripeSettings()
    telegram: TelegramPaymentsSettings = TelegramPaymentsSettings()


class BotsSettings(Section):
    """Telegram and Discord. Whoever is not in `people` is nobody. The bots' API key comes from BOTS_API_KEY or BOTS_API_KEY_FILE."""

    service: str = Field(default="http://127.0.0.1:8000", pattern=r"^https?://[^\s]+$", description="address of `ats serve`")
    database: Path = Field(
        default=Path("bots.sqlite"),
        description="the bots' own, relative to storage.data; BOTS_DB_CONNECTION_STR names one of PostgreSQL instead",
    )
    people: dict[PersonId, PersonSettings] = Field(default_factory=dict, description='"telegram:123456789" -> role and name')
    chats: tuple[PlaceId, ...] = Field(
        default=(),
        description='groups and channels where the bots answer for all to read, such as "telegram:-100123"; private chats need none',
    )
    confirm_seconds: int = Field(default=60, ge=10, le=600, description="for how long what would change something can be confirmed")
    max_age_seconds: Positive = Field(default=300, description="an older command was sent while no bot was there, and is not run")
    commands_per_minute: Positive = Field(default=20, description="of one person")
    alerts_every_seconds: float = Field(default=15.0, ge=1, description="between two looks for new alerts, for those who switched them on")
    telegram: TelegramSettings = TelegramSettings()
    discord: DiscordSettings = DiscordSettings()
    subscriptions: SubscriptionSettings = SubscriptionSettings()
