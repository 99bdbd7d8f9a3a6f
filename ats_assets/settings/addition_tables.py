"""Tables of tables that name additions: the name of each, and its own settings, which its plugin checks."""

from typing import Annotated, Any

from pydantic import Field

from ats_assets.settings.section import Name

SamplerTables = Annotated[
    dict[Name, dict[str, Any]],
    Field(description="name of an asset of information bars -> the sampler's own settings; `kind` says which, default: the name"),
]
RiskTables = Annotated[
    dict[Name, dict[str, Any]],
    Field(description="name -> a risk rule's own settings, in the order in which they are applied; `kind` says which, default: the name"),
]
AlgorithmTables = Annotated[
    dict[Name, dict[str, Any]],
    Field(description="name -> an execution algorithm's own settings; `kind` says which, default: the name"),
]
BrokerTables = Annotated[
    dict[Name, dict[str, Any]],
    Field(description="name -> the broker's own settings; `kind` says which, default: the name; orders.broker says which is used"),
]
ExportTables = Annotated[
    dict[Name, dict[str, Any]],
    Field(
        description="name -> the own settings of a store that partitions are copied to; `kind` says which, default: the name; `assets` is what it takes, "
        "`attempts` how often a store that is gone is tried"
    ),
]
WorkerTables = Annotated[
    dict[Name, dict[str, Any]],
    Field(description="name -> the own settings of an engine of workers, which ats run --on names; `kind` says which, default: the name"),
]
