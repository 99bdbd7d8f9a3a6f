"""The bots' commands in this terminal, without Telegram or Discord: three people with three roles ask, and one who is nobody.

    python examples/bots.py [--folder FOLDER]

A front is what hears and tells; here it is this program, with Telegram's kind of ids. What lies behind it is what `ats bots run` starts: the reception that knows who may what, the commands, and
the service over HTTP, which here runs in the same process. docs/bots.md says how to set up the real ones.
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import httpx
from small_deployment import quick_start, use_folder

from ats_assets.bots.bot_store import BotStore
from ats_assets.bots.client import ApiClient
from ats_assets.bots.confirmations import Confirmations
from ats_assets.bots.people import People
from ats_assets.bots.reception import Incoming, Reception
from ats_assets.bots.rendering import Dialect, rendered
from ats_assets.deployment import Deployment
from ats_assets.serving.app import make_app

PEOPLE = {"telegram:1": ("viewer", "Vic"), "telegram:2": ("trader", "Tom"), "telegram:3": ("admin", "Amy")}
SAID = (
    ("telegram:1", "/help"),
    ("telegram:1", "/signals 3"),
    ("telegram:1", "/chart SYN0000 20"),
    ("telegram:1", "/order buy SYN0000 10"),  # a viewer may not
    ("telegram:2", "/order buy SYN0000 10"),  # a trader is asked to confirm
    ("telegram:3", "/people"),
    ("telegram:9", "/portfolio"),  # nobody knows who that is
)
PLAIN = Dialect(4096, str, str, str)


async def talk(market: Deployment, folder: Path) -> None:
    """Say each line, and print what is answered."""
    app = make_app(market)
    service = ApiClient("http://127.0.0.1", None, transport=httpx.ASGITransport(app=app, client=("127.0.0.1", 1)))
    with BotStore(f"sqlite:///{folder / 'bots.sqlite'}") as store:
        reception = Reception(store=store, people=People(PEOPLE, store), service=service, confirmations=Confirmations(store, 60))
        for person, line in SAID:
            word, _, rest = line.removeprefix("/").partition(" ")
            heard = Incoming(sender=person, place=person, private=True, at=datetime.now(UTC))
            reply = await reception.line(heard, word, rest)
            print(f"\n{person} > {line}")
            if reply is None:
                continue
            print("\n".join(rendered(reply, PLAIN)))
            if reply.picture:
                print(f"(a picture of {len(reply.picture.content):,} bytes: {reply.picture.shows})")
            if reply.buttons:
                print("buttons:", ", ".join(button.label for button in reply.buttons))
    await service.close()
    await app.state.service.close()


def main(arguments: list[str] | None = None) -> None:
    """Talk about the deployment of the quick start."""
    folder = use_folder("bots", __doc__, arguments)
    market = quick_start()
    asyncio.run(talk(market, folder))


if __name__ == "__main__":
    main()
