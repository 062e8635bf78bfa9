"""The one exception of this package."""


class WireError(ValueError):
    """Bytes from outside are not what they must be. The text names field and limit, never a secret."""
