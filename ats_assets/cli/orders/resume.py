"""`ats orders resume`: trading goes on after a halt, on a person's decision."""

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, how_many
from ats_assets.execution.trading import open_trading
from ats_assets.runs.writing import say
from ats_assets.settings import load_settings


def resume(*, who: str, note: str, accept: bool) -> None:
    """Clear the halts, on a person's decision."""
    deployment = Deployment(load_settings())
    with open_trading(deployment) as trading:
        cleared = trading.executor.resume(who, note, accept=accept)
        if not cleared and not accept:
            raise AtsError("trading is not halted: nothing was cleared")
        differences = trading.executor.reconcile()
    if differences:
        raise AtsError(
            f"trading is halted again: {'; '.join(one.message for one in differences)}; --accept takes the broker's account as correct"
        )
    say(f"{how_many(cleared, 'halt')} cleared; our records agree with the broker's account")
