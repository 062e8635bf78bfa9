"""What goes wrong when shares are put together."""


class SharingError(Exception):
    """Shares that do not fit together; `suspects` are the parties whose share disagrees, when it can be said."""

    def __init__(self, reason: str, suspects: tuple[int, ...] = ()) -> None:
        super().__init__(reason)
        self.suspects = suspects
