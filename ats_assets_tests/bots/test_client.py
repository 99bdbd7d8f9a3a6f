"""The client of the service: reads are tried again, writes are not, the key is shown nowhere."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ats_assets.bots.client import TRIES, ApiClient
from ats_assets.errors import BotError, ServiceRefusedError, ServiceUnreachableError
from ats_assets_tests.bots.service_double import KEY, ServiceDouble, service_double


async def no_pause(_: float) -> None:
    """Wait for nothing."""


def asked(scene: Callable[[ServiceDouble, ApiClient], Awaitable[None]], key: str = KEY) -> None:
    async def play() -> None:
        async with service_double() as service:
            client = ApiClient(service.address, key, pause=no_pause)
            try:
                await scene(service, client)
            finally:
                await client.close()

    asyncio.run(play())


def test_a_read_is_tried_again() -> None:
    async def scene(service: ServiceDouble, client: ApiClient) -> None:
        service.fail("me", "before", "503")
        assert (await client.read("me"))["name"] == "bots"
        assert len(service.seen) == 3
        service.fail("me", *["before"] * TRIES)
        with pytest.raises(ServiceUnreachableError, match="can't be reached"):
            await client.read("me")

    asked(scene)


def test_a_write_is_sent_once_and_says_that_nothing_is_known() -> None:
    async def scene(service: ServiceDouble, client: ApiClient) -> None:
        for fault in ("before", "after", "502"):
            service.seen.clear()
            service.fail("requests", fault)
            with pytest.raises(ServiceUnreachableError, match="not known yet"):
                await client.ask("halt", {"reason": "x"}, key="one", on_behalf_of="telegram:1")
            assert len(service.seen) == 1
        await client.ask("halt", {"reason": "x"}, key="one", on_behalf_of="telegram:1")
        assert len(service.requests) == 1

    asked(scene)


def test_the_service_s_own_words_are_told_and_the_key_is_not() -> None:
    async def scene(service: ServiceDouble, client: ApiClient) -> None:
        with pytest.raises(ServiceRefusedError, match="there is nothing at /api/v1/nowhere"):
            await client.read("nowhere")

    asked(scene)

    async def wrong(service: ServiceDouble, client: ApiClient) -> None:
        with pytest.raises(ServiceRefusedError, match="BOTS_API_KEY") as error:
            await client.read("me")
        assert "ats_wrong" not in f"{error.value!r} {client!r} {vars(client)!r}"

    asked(wrong, key="ats_wrong_0123456789")


def test_an_address_where_nobody_is_is_an_error_in_plain_words() -> None:
    async def play() -> None:
        client = ApiClient("http://127.0.0.1:1", KEY, pause=no_pause)
        with pytest.raises(BotError, match="`ats serve` starts it"):
            await client.read("me")
        await client.close()

    asyncio.run(play())
