"""What the evaluator in the clear refuses."""


class FieldOverflow(Exception):
    """A value left the range it was built for: the range analysis, or whoever built the circuit, is wrong."""
