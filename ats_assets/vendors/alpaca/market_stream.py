"""Alpaca's stream of market data: what is said on the wire, and one connection to it. Messages are JSON arrays in text frames, as its documentation has them.

https://docs.alpaca.markets/docs/real-time-stock-pricing-data: after a welcome (`connected`) come the keys (`auth`), then what is wanted (`subscribe`), then data: `b` minute bars, `u`
bars that replace one, `q` quotes, `t` trades, `s` trading statuses. alpaca-py's own client is not used: it speaks msgpack through a deprecated module, repeats refused keys for ever, and
does not tell that it was away, which is what has to be known. Its models are the oracle of the tests.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Self

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from ats_assets.vendors.alpaca.alpaca_keys import KEY_ID, SECRET_KEY
from ats_assets.vendors.alpaca.errors import AlpacaKeysError, AlpacaUnreachableError
from ats_assets.vendors.credentials import VendorKey

PING_SECONDS = 10.0
CHANNELS = {"bar": ("bars", "updatedBars"), "quote": ("quotes",), "trade": ("trades",), "status": ("statuses",)}
"""What is subscribed to for each kind of event."""
HALTS = frozenset({"2", "H", "P"})
"""Codes of statuses that stop trading: tapes A and B, tape C, and its pause for volatility."""
RESUMES = frozenset({"3", "T"})
"""Those that let it go on; others, such as imbalances, do neither."""
_KEYS = (402, 401)
_MAY_PASS = (404, 406, 407, 500)
"""The keys came too late, another connection of the account is open, too slow to listen, their own fault."""

_frames = logging.getLogger(f"{__name__}.frames")
_frames.setLevel(logging.WARNING)  # below, websockets logs each frame, and the first one holds the keys


class MarketConnection:
    """One connection, from the keys on; it ends by an error.

    Parameters
    ----------
    silence_seconds
        In which the server must answer.

    Raises
    ------
    AlpacaKeysError
        If the keys, or what is asked for, are refused.
    AlpacaUnreachableError
        If there is no connection, or what answers is no such stream.
    """

    def __init__(
        self, url: str, key: VendorKey, symbols: Sequence[str], kinds: Sequence[str], *, silence_seconds: float, whose: str
    ) -> None:
        self._silence_seconds = silence_seconds
        self._whose = whose
        self._open = ExitStack()
        try:
            asked = connect(
                url,
                open_timeout=silence_seconds,
                ping_interval=min(PING_SECONDS, silence_seconds),
                ping_timeout=silence_seconds,
                close_timeout=0.5,
                max_size=2**24,
                logger=_frames,
            )
            self._ws: ClientConnection = self._open.enter_context(asked)
        except (OSError, WebSocketException, ValueError) as error:
            raise AlpacaUnreachableError(f"Alpaca's stream of market data can't be reached ({type(error).__name__})") from None
        try:
            self._expect("connected")
            key_id, secret = key.parts
            self._say({"action": "auth", "key": key_id.reveal(), "secret": secret.reveal()})
            self._expect("authenticated")
            channels = {name: list(symbols) for kind in kinds for name in CHANNELS[kind]}
            self._say({"action": "subscribe", **channels})
            self._subscribed(channels)
        except BaseException:  # also where it is interrupted: no connection is left behind
            self.close()
            raise

    def messages(self, wait_seconds: float) -> list[Mapping[str, Any]] | None:
        """The messages of the next frame; None where none comes in that time.

        Raises
        ------
        AlpacaUnreachableError
            If the connection is lost, or a frame is no array of messages.
        """
        try:
            frame = self._ws.recv(timeout=wait_seconds)
        except TimeoutError:
            return None
        except (OSError, WebSocketException) as error:
            number = getattr(getattr(error, "rcvd", None), "code", None)
            raise AlpacaUnreachableError(f"the connection is lost ({type(error).__name__}{f' {number}' if number else ''})") from None
        try:
            found = json.loads(frame)
        except ValueError:
            raise AlpacaUnreachableError("a frame is no JSON") from None
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise AlpacaUnreachableError("a frame is no array of messages")
        for one in found:
            if one.get("T") == "error":
                self._refused(one)
        return found

    def close(self) -> None:
        """End it."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _say(self, message: Mapping[str, Any]) -> None:
        try:
            self._ws.send(json.dumps(message))
        except (OSError, WebSocketException) as error:
            raise AlpacaUnreachableError(f"the connection is lost ({type(error).__name__})") from None

    def _expect(self, word: str) -> None:
        for one in self._answers():
            if one.get("T") == "success" and one.get("msg") == word:
                return
        raise AlpacaUnreachableError(f"Alpaca's stream of market data does not say that it is {word}")

    def _subscribed(self, channels: Mapping[str, Sequence[str]]) -> None:
        for one in self._answers():
            if one.get("T") == "subscription":
                lacking = [name for name, symbols in channels.items() if not {*symbols} <= {*(one.get(name) or ())}]
                if lacking:
                    raise AlpacaUnreachableError(f"Alpaca does not send {', '.join(lacking)} of all symbols that were asked for")
                return
        raise AlpacaUnreachableError("Alpaca's stream of market data does not say what it sends")

    def _answers(self) -> Iterator[Mapping[str, Any]]:
        answer = self.messages(self._silence_seconds)
        if answer is None:
            raise AlpacaUnreachableError(f"Alpaca's stream of market data says nothing for {self._silence_seconds:g} s")
        yield from answer

    def _refused(self, message: Mapping[str, Any]) -> None:
        code = message.get("code")
        said = f"{message.get('msg')} ({code})"[:200]
        if code in _KEYS:
            raise AlpacaKeysError(
                f"Alpaca's stream of market data refuses the keys. {KEY_ID} and {SECRET_KEY} are wrong, expired, or not those of {self._whose}: look at both",
                status=401,
                code=code,
                reason=said,
            )
        if code in _MAY_PASS or not isinstance(code, int):
            raise AlpacaUnreachableError(f"Alpaca's stream of market data ends: {said}")
        raise AlpacaKeysError(
            f"Alpaca's stream of market data refuses what is asked for: {said}. Choose another feed, or fewer symbols (live.symbols, live.quotes, live.trades)",
            status=403,
            code=code,
            reason=said,
        )
