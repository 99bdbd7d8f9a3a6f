"""The broker at which a session is followed: one with a market of its own."""

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.execution.choosing import ChosenBroker, chosen_broker


def broker_to_follow(deployment: Deployment) -> ChosenBroker:
    """The broker of the settings, at which a session can be followed.

    Raises
    ------
    SettingsError
        If it has no market of its own. Told before anything is waited for: the next open may be days away.
    """
    broker = deployment.of(chosen_broker)
    if broker.embedded:
        raise SettingsError(
            f"the {broker.kind} broker fills orders by the stored bars, after the close: a session is followed at a broker with a market of its own "
            f'(orders.broker = "alpaca", also its paper account), or played again with --replay'
        )
    return broker
