"""The bots: who may use them, and where they answer."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ats_assets.settings.section import Positive, Section

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
