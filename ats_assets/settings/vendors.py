"""How vendors are asked, by the sources that use them."""

from pathlib import Path

from pydantic import Field, model_validator

from ats_assets.settings.section import Gathering, Name, NonNegative, Positive, Section

_OF_ALPACA = {"timeout_seconds", "max_attempts", "max_wait_seconds"}


class VendorSettings(Section):
    """How one vendor is asked. What is not set is as the source of that vendor knows it to be right."""

    requests_per_minute: Positive | None = Field(
        default=None, description="of one key, within any minute, by all processes together; default: what the vendor documents"
    )
    requests_per_second: Positive | None = Field(default=None, description="likewise within any second")
    timeout_seconds: float = Field(default=30.0, gt=0, le=600, description="of one request, its body included")
    max_attempts: Positive = Field(default=6, description="of one request; each counts against the budget")
    max_wait_seconds: float = Field(
        default=120.0, gt=0, description="between two attempts; a vendor that asks for a longer wait is left alone"
    )
    cache_seconds: float | None = Field(
        default=None, ge=0, description="how old an answer may be that is taken from the cache; default: as the source says; 0: none is"
    )
    breaker_failures: NonNegative = Field(
        default=3,
        description="requests that fail one after the other, each with all its attempts, before the vendor is left alone; 0: it never is",
    )
    breaker_seconds: float = Field(default=60.0, gt=0, description="how long it is left alone before one request tries it again")


class VendorsSettings(Gathering):
    """What all processes share of vendors, in one file. The settings of one vendor are a table of its name: `[vendors.massive]`."""

    state: Path = Field(
        default=Path("vendors.sqlite"), description="the file; relative to storage.data. Two graphs with the same keys name the same one"
    )
    audit_days: Positive = Field(default=90, description="for how long it is kept what was asked")
    audit_rows_max: Positive = Field(default=1_000_000, description="requests that are kept at most")
    cache_megabytes: NonNegative = Field(default=256, description="of the answers that are kept")

    own: dict[Name, VendorSettings] = Field(default_factory=dict, description="written as [vendors.<name>]")

    @model_validator(mode="after")
    def _alpaca_has_a_section(self) -> "VendorsSettings":
        if twice := sorted(self.of("alpaca").model_fields_set & _OF_ALPACA):
            raise ValueError(f"vendors.alpaca.{twice[0]} is a setting of the section [alpaca]: write alpaca.{twice[0]}")
        return self

    def of(self, vendor: str) -> VendorSettings:
        """The settings of one vendor."""
        return self.own.get(vendor, VendorSettings())
