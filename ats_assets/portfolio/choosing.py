"""The portfolio method of a deployment, what `portfolio.method` names; and whether its strategies' books are followed where they have no signals."""

from pathlib import Path

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.plugins import METHODS
from ats_assets.portfolio.method import Method, RiskMethod
from ats_assets.settings import PortfolioSettings


def portfolio_method(deployment: Deployment) -> Method | RiskMethod:
    """The method; use it as `deployment.of(portfolio_method)`."""
    return method_of(deployment.settings.portfolio, deployment.settings.plugins.folder)


def method_of(settings: PortfolioSettings, folder: Path | None = None) -> Method | RiskMethod:
    """The method that the settings name, made of `[portfolio.options]`.

    `top_k`, `quantile` and the limits on weight and gross stand in `[portfolio]` itself: a method that has a setting of such a name takes it from there, unless the options give it.

    Parameters
    ----------
    folder
        The user's own additions, `plugins.folder`.

    Raises
    ------
    SettingsError
        If there is no such method, it does not know one of the options, or one is given in both places.

    Examples
    --------
    >>> method_of(PortfolioSettings(method="top_k_long", top_k=3)).settings
    TopKLongSettings(top_k=3)
    >>> method_of(PortfolioSettings(method="top_k_long", options={"top_k": 4})).settings
    TopKLongSettings(top_k=4)
    """
    if twice := sorted(settings.options.keys() & settings.model_fields_set):
        raise SettingsError(f"{twice[0]} is given twice, in [portfolio] and in [portfolio.options]: leave one of them out")
    shared = settings.model_dump(include={"top_k", "quantile", "max_weight", "max_gross"})
    return METHODS.made(settings.method, settings.options, folder, "portfolio.method", shared=shared)


def holds_books(deployment: Deployment) -> bool:
    """Whether it is looked at what strategies without signals hold: by other strategies beside them, by risk rules or by the brake; use it as `deployment.of(holds_books)`.

    With one strategy and none of these, but for the limits of `[portfolio]`, a session without signals has no targets, and nothing is traded.
    """
    settings = deployment.settings
    several = sum(share > 0.0 for share in settings.capital.values()) > 1
    return several or bool(settings.orders.brakes) or bool(settings.risk)


def sessions_kept(deployment: Deployment) -> int:
    """For how many sessions it is known what strategies without signals hold; 0 where nobody looks at that. Use it as `deployment.of(sessions_kept)`."""
    return deployment.settings.portfolio.without_signals_sessions if deployment.of(holds_books) else 0
