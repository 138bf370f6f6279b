"""Errors meant for users."""


class MsqError(Exception):
    """A run cannot go on because of what the user gave; its text is one line: what, where, what to do."""


class MissingToolError(MsqError):
    """A program that a step needs is not installed."""
