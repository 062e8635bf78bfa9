"""Faults of our own, told without what they may quote."""

import os
import traceback


def describe_bug(error: Exception) -> str:
    """For a report of a bug: what was raised and where. Not the error's text, which may hold a share."""
    places = traceback.extract_tb(error.__traceback__, -1)
    where = "".join(f" at {os.path.basename(place.filename)}:{place.lineno}" for place in places)
    return f"{type(error).__name__}{where} (a bug in EnigmaLang)"
