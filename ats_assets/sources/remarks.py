"""What a source has noticed and has to say of itself, by what it is about: the newest word on each counts."""


class Remarks(dict[str, str]):
    """Subject -> remark.

    Examples
    --------
    >>> found = Remarks()
    >>> found.say("clock", "an hour behind")
    >>> found.say("clock", None)
    >>> found
    {}
    """

    def say(self, about: str, text: str | None) -> None:
        """Put a remark in the place of the one before; with no text there is none any more."""
        if text:
            self[about] = text
        else:
            self.pop(about, None)
