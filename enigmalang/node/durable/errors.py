"""What can be wrong with kept state. The texts are for who runs the node; none quotes what is kept."""


class StateError(Exception):
    """The state cannot be read or written."""


class StateFull(StateError):
    """There is no room left on the disk: nothing was written, and what was there is as it was."""


class StateBusy(StateError):
    """Another process has the state open."""


class WrongKey(StateError):
    """The storage key is not the one that the state was written with."""


class NewerSchema(StateError):
    """A later version of EnigmaLang wrote the state."""


class KeysLost(StateError):
    """So many members lost their keys of a committee that some key has no holder left."""
