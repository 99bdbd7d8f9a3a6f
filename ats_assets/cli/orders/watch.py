"""`ats orders watch`: the broker's order events, followed until SIGTERM or SIGINT."""

import time

from ats_assets.alerts import Alert, open_alerts
from ats_assets.deployment import Deployment
from ats_assets.execution.choosing import chosen_broker
from ats_assets.execution.closings import learn_closings
from ats_assets.execution.trading import open_trading
from ats_assets.execution.watching import WakeSignal, WatchIntervals, stopping
from ats_assets.execution.watching import watch as keep_watching
from ats_assets.runs.writing import say
from ats_assets.settings import load_settings

_ASK_FOR_CLOSINGS_SECONDS = 3_600.0


def watch(*, every: float) -> None:
    """Keep the records up with the broker until SIGTERM or SIGINT; status 0 then, 1 where the keys are refused."""
    deployment = Deployment(load_settings())
    settings = deployment.settings
    broker = deployment.of(chosen_broker)
    if broker.embedded:
        say(
            f"ats orders watch: nothing to watch. The {broker.kind} broker fills orders when the bars of the next session are stored, and ats trade records the fills; ats orders desk takes up what people ask for"
        )
        return
    send = open_alerts(settings).send

    def alert(one: Alert) -> None:
        say(f"{one.at:%Y-%m-%d %H:%M:%S} UTC {one.severity}: {one.title}")
        send(one)

    wake_signal, calendar = WakeSignal(), _Calendar(deployment)
    with (
        open_trading(deployment, alert=alert) as trading,
        stopping(wake_signal),
        broker.updates(wake_signal.wake) as updates,
    ):
        say(f"following orders at {trading.broker.name}, {'LIVE' if trading.broker.live else 'paper account'}; Ctrl-C or SIGTERM ends it")

        def ready() -> None:
            updates.check()
            calendar.look()

        intervals = WatchIntervals(interval_seconds=every, poll_seconds=settings.requests.poll_seconds)
        looks = keep_watching(trading.executor, wake_signal, alert=alert, alive=ready, requests=trading.desk.look, intervals=intervals)
    say(f"stopped; the account was reconciled {looks} times")


class _Calendar:
    """Keeps the calendar of a deployment up, in a process that lives for weeks: with what others have stored, and with the broker's own now and then."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._asked: float | None = None

    def look(self) -> None:
        now = time.monotonic()
        if self._asked is None or now - self._asked >= _ASK_FOR_CLOSINGS_SECONDS:
            self._asked = now
            for change in learn_closings(self._deployment):
                say(f"calendar changed: {change}")
        self._deployment.refresh_calendar()
