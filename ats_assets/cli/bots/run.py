"""`ats bots run`: the bots that are enabled, until Ctrl-C."""

import asyncio
import logging
import os
from collections.abc import Mapping
from typing import Any

from ats_assets.bots.bot_store import BotStore
from ats_assets.bots.people import People
from ats_assets.bots.running import BotsPlan, run_bots
from ats_assets.bots.sales import SalesPlan
from ats_assets.bots.subscriptions.subscription_plans import SubscriptionPlan
from ats_assets.runs.writing import say
from ats_assets.secrecy import hold_secret, hold_secret_text
from ats_assets.settings import Settings, StripeSettings, SubscriptionSettings, load_settings
from ats_assets.vendors.credentials import VendorKeys

DATABASE_VARIABLE = "BOTS_DB_CONNECTION_STR"


def run() -> None:
    """Run until SIGINT or SIGTERM.

    Raises
    ------
    SettingsError, BotError
        If no bot is enabled, a token is missing, or one is not taken.
    """
    settings = load_settings()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each question to the service says nothing
    plan = bots_plan(settings, os.environ)
    fronts = [name for name, token in (("Telegram", plan.telegram_token), ("Discord", plan.discord_token)) if token]
    say(f"ats bots: {' and '.join(fronts) or 'no bot'} for {len(plan.people)} people, with the service at {plan.service}; Ctrl-C ends it")
    asyncio.run(run_bots(plan))


def bots_plan(settings: Settings, environment: Mapping[str, str]) -> BotsPlan:
    """The bots' settings and secrets as plain values.

    Raises
    ------
    SettingsError
        If the token of an enabled bot is missing.
    """
    bots = settings.bots
    return BotsPlan(
        service=bots.service,
        key=_secret("BOTS_API_KEY", environment, needed=False),
        database=database_address(settings, environment),
        people={id_: (person.role, person.name) for id_, person in bots.people.items()},
        chats=frozenset(bots.chats),
        confirm_seconds=bots.confirm_seconds,
        max_age_seconds=bots.max_age_seconds,
        commands_per_minute=bots.commands_per_minute,
        alerts_every_seconds=bots.alerts_every_seconds,
        telegram_token=_secret("TELEGRAM_BOT_TOKEN", environment) if bots.telegram.enabled else None,
        telegram_server=bots.telegram.server,
        discord_token=_secret("DISCORD_BOT_TOKEN", environment) if bots.discord.enabled else None,
        sales=_sales_plan(bots.subscriptions, environment),
    )


def _sales_plan(sold: SubscriptionSettings, environment: Mapping[str, str]) -> SalesPlan:
    if not sold.plans:
        return SalesPlan()
    plans: dict[str, SubscriptionPlan] = {}
    for name, plan in sold.plans.items():
        values: dict[str, Any] = plan.model_dump() | {"name": name, "strategies": frozenset(plan.strategies)}
        plans[name] = SubscriptionPlan(**values)
    for plan in plans.values():
        _ = plan.amount  # a price that is no whole number of the smallest unit is told now
    by_provider = sold.telegram.enabled and sold.telegram.provider
    return SalesPlan(
        plans=plans,
        grace_days=sold.grace_days,
        news_every_seconds=sold.news_every_seconds,
        per_second=sold.messages_per_second,
        gap_seconds=sold.gap_seconds,
        lasts_hours=sold.lasts_hours,
        stripe=_stripe(sold.stripe, environment) if sold.stripe.enabled else None,
        telegram_payments=sold.telegram.enabled,
        telegram_provider_token=_secret("TELEGRAM_PAYMENTS_TOKEN", environment) if by_provider else None,
    )


def _stripe(settings: StripeSettings, environment: Mapping[str, str]) -> dict[str, Any]:
    secrets = [_secret("STRIPE_WEBHOOK_SECRET", environment), _secret("STRIPE_WEBHOOK_SECRET_NEXT", environment, needed=False)]
    return {
        "key": _secret("STRIPE_API_KEY", environment),
        "secrets": [secret for secret in secrets if secret],
        **{name: getattr(settings, name) for name in ("host", "port", "success_url", "cancel_url", "api_base")},
    }


def open_people(settings: Settings) -> tuple[BotStore, People]:
    """The bots' database, and who is who; the caller closes the database."""
    store = BotStore(database_address(settings, os.environ))
    return store, People({id_: (person.role, person.name) for id_, person in settings.bots.people.items()}, store)


def database_address(settings: Settings, environment: Mapping[str, str]) -> str:
    """Where the bots' own database is; it may hold a password, so it is never shown."""
    hold_secret(DATABASE_VARIABLE)
    named = environment.get(DATABASE_VARIABLE, "").strip()
    return named or f"sqlite:///{(settings.storage.data / settings.bots.database.expanduser()).resolve()}"


def _secret(name: str, environment: Mapping[str, str], *, needed: bool = True) -> str | None:
    """A token, by its variable or the file that the one with _FILE names; it and each part of it are hidden in all that is written from now on."""
    page = "subscriptions" if name.startswith("STRIPE_") or "PAYMENTS" in name else "bots"
    keys = VendorKeys(name, environment=environment, why=f"docs/{page}.md says where it comes from")
    if not needed and not any(keys.which_are_set().values()):
        return None
    token = keys.now()[0].reveal()
    hold_secret_text(token, *(part for part in token.split(":") if len(part) >= 16))
    return token
