"""Errors meant for users."""


class MsqError(Exception):
    """What the user gave lets no run go on; the text is one line: what, where, what to do."""


class MissingToolError(MsqError):
    """A program that a step needs is not installed."""
