"""Errors meant for users."""


class MsqError(Exception):
    """What the user gave lets no run go on; the text is one line: what, where, what to do.

    Attributes:
        kept: whether what was done before has been written, and is to stay.
    """

    kept = False


class MissingToolError(MsqError):
    """A program that a step needs is not installed."""


def said_by(error: BaseException) -> str:
    r"""What another package's exception says, as a part of one line of ours.

    Args:
        error: any exception; one that says nothing is named by its type.

    >>> said_by(ValueError("two\nlines")), said_by(KeyError())
    ('two lines', 'KeyError')
    """
    try:
        text = " ".join(str(error).split())
    except Exception:  # a user's exception may fail to speak
        text = ""
    return text[:300] or type(error).__name__
