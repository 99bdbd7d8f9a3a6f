"""The kill switch: a setting, and a file that is looked for before each order."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ats_assets.settings import OrdersSettings


@dataclass(frozen=True)
class KillSwitch:
    """Stops all orders while it is on."""

    setting: bool
    file: Path

    @classmethod
    def of(cls, settings: OrdersSettings) -> Self:
        """The switch that the settings name."""
        return cls(settings.kill, settings.kill_file)

    def reason(self) -> str | None:
        """Why no order may be sent; None where one may. A file that can't be looked for counts as there."""
        if self.setting:
            return "the kill switch orders.kill is on"
        try:
            self.file.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            return f"the kill file {self.file} can't be looked for ({error.strerror}), which counts as there"
        return f"the kill file {self.file} is there: remove it to trade again"
