"""How large a convolution's matrix is in hardware."""


def dense_columns(rows: int, columns: int, groups: int, taps: int) -> int:
    """Return the columns of a convolution's matrix in hardware.

    Groups become one matrix, zero outside them; depthwise convolutions keep theirs.

    Args:
        rows: output channels.
        columns: weights of a row.
        taps: weights of a row for one input channel.

    Examples:
        >>> dense_columns(6, 18, 1, 9), dense_columns(6, 18, 3, 9), dense_columns(6, 9, 6, 9)
        (18, 54, 9)
    """
    depthwise = groups == rows and columns == taps
    return columns if depthwise else columns * groups
