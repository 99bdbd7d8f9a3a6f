"""`ats orders desk`: takes up what people ask for through the service or a bot, until SIGTERM or SIGINT."""

from ats_assets.alerts import Alert, open_alerts
from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.execution.desk_loop import keep_looking
from ats_assets.execution.trading import open_trading
from ats_assets.execution.watching import WakeSignal, stopping
from ats_assets.runs.writing import say
from ats_assets.settings import load_settings


def desk() -> None:
    """Take up requests until SIGTERM or SIGINT; status 0 then, 1 where the keys are refused."""
    deployment = Deployment(load_settings())
    send, wake_signal = open_alerts(deployment.settings).send, WakeSignal()

    def alert(one: Alert) -> None:
        say(f"{one.at:%Y-%m-%d %H:%M:%S} UTC {one.severity}: {one.title}. {one.text}")
        send(one)

    with open_trading(deployment, alert=alert) as trading, stopping(wake_signal):
        say(f"the desk is open at {trading.broker.name}, {'LIVE' if trading.broker.live else 'on paper'}; Ctrl-C or SIGTERM closes it")

        def look() -> int:
            ended = trading.desk.look()
            if ended:
                say(f"{how_many(ended, 'request')} brought to an end")
            return ended

        def refresh() -> None:
            deployment.refresh_calendar()  # another process may have stored another one

        ended = keep_looking(
            look,
            wake_signal,
            alert=alert,
            every_seconds=deployment.settings.requests.poll_seconds,
            on_look=refresh,
        )
    say(f"the desk is closed; {how_many(ended, 'request')} brought to an end")
