"""Several vendors in the order in which they are preferred, each with a table of its own."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from ats_assets.settings.section import Gathering, Name


class VendorOrder(Gathering):
    """Each vendor has a table of its own, named by it, with the settings of its kind; `kind` is the name where it is not set."""

    gathered = "vendors"

    order: tuple[Name, ...] = Field(default=(), description="vendors, the first preferred: at least two")
    vendors: dict[Name, dict[str, Any]] = Field(default_factory=dict, description="written as a table of each vendor's name")

    @model_validator(mode="after")
    def _two_that_differ(self) -> "VendorOrder":
        if len(set(self.order)) < 2 or len(set(self.order)) < len(self.order):
            raise ValueError(f'order is {list(self.order)}: name at least two vendors, each once, such as order = ["alpaca", "files"]')
        if unused := sorted(set(self.vendors) - set(self.order)):
            raise ValueError(f"there are tables of {', '.join(unused)}, which order does not name: add them there, or leave the tables out")
        if "preferred" in {self.kind_of(name) for name in self.order}:
            raise ValueError("preferred can't be one of its own vendors: put all of them into one order")
        return self

    def kind_of(self, name: str) -> str:
        """Which source a vendor is."""
        return str(self.vendors.get(name, {}).get("kind", name))

    def table_of(self, name: str) -> Mapping[str, Any]:
        """The settings of a vendor, without its kind."""
        return {key: value for key, value in self.vendors.get(name, {}).items() if key != "kind"}
