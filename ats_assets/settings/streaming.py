"""The stream of the service: how many may listen, and how far one may lag."""

from pathlib import Path

from pydantic import Field

from ats_assets.settings.section import Positive, Section


class StreamSettings(Section):
    """What is told over WebSocket as it happens."""

    max_clients: Positive = Field(default=2_000, description="connected at once; what is more is closed with 4429")
    max_topics: Positive = Field(default=200, description="of a client")
    max_symbol_topics: Positive = Field(default=2_000, description="quotes and bars of a symbol are a topic each: of all clients together")
    max_queued_messages: Positive = Field(
        default=1_000, description="that wait for a client; with more it is a slow reader and dropped with 4508"
    )
    max_queued_bytes: Positive = Field(default=4_000_000, description="likewise")
    max_message_bytes: Positive = Field(default=16_384, description="of what a client says")
    first_message_seconds: float = Field(default=10.0, gt=0, description="in which a client has to say what it wants")
    heartbeat_seconds: float = Field(default=10.0, gt=0, description="between two heartbeats; keys are looked at again with each")
    stalled_seconds: float = Field(default=20.0, gt=0, description="a client that takes nothing for so long is dropped")
    history_folder: Path | None = Field(
        default=None,
        description="of stream.sqlite; default: storage.data. Services on several machines need one each: SQLite's log is not shared over a network",
    )
    replay_folder: Path | None = Field(
        default=None, description="of `ats trade live --replay … --keep FOLDER`: quotes and bars are those of its newest replay then"
    )
