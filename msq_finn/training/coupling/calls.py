"""What is known of tensors, and the operations that are applied to them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msq_finn.training.coupling.channels import ChannelAxis, Channels, Couplings, Lost


@dataclass(frozen=True)
class Value:
    """What is known of a tensor.

    Attributes:
        channels: whose rows its channels are.
        ndim: number of axes; None where it is not known.
        shape: None where it is not known.
        stacked: of a stack of values: along which axis, as the call said, and the values.
    """

    channels: Channels = None
    ndim: int | None = None
    shape: tuple[int, ...] | None = None
    stacked: tuple[int, tuple["Value", ...]] | None = None


@dataclass(frozen=True)
class Each:
    """A tuple of values of all of which the same is known.

    Attributes:
        value: what is known.
    """

    value: Value


@dataclass(frozen=True)
class SizeOf:
    """The shape of a tensor, where its numbers are not known.

    Attributes:
        value: what is known of the tensor.
    """

    value: Value


@dataclass(frozen=True)
class Call:
    """An operation and what it is given: tensors as `Value`, everything else as it is.

    Attributes:
        name: of the operation, without underscores around it.
        args: by position.
        kwargs: by name.
        couplings: told of values that meet.
        shape: of the result; None where it is not known.
    """

    name: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    couplings: Couplings
    shape: tuple[int, ...] | None = None

    @property
    def values(self) -> list[Value]:
        """All tensors among the arguments."""
        return list(_values((*self.args, *self.kwargs.values())))

    def get(self, position: int, *names: str, default: Any = None) -> Any:
        """Return an argument by its position or one of its names.

        Args:
            position: among the positional ones.
            names: keywords.
            default: where it is not given.
        """
        if position < len(self.args):
            return self.args[position]
        return next((self.kwargs[name] for name in names if name in self.kwargs), default)

    def numbers(self, position: int, *names: str) -> list[Any]:
        """Return what may be given one by one or as one sequence.

        Args:
            position: of the first.
            names: keywords of the sequence.
        """
        given = self.get(position, *names)
        return list(given) if isinstance(given, list | tuple) else list(self.args[position:])

    def followed(self) -> tuple[Value, ChannelAxis] | None:
        """Return the first operand and its rows; None where it has none that can be followed."""
        value = next(iter(self.values), None)
        if value is None or not isinstance(value.channels, ChannelAxis):
            return None
        return value, value.channels

    def lost(self) -> Value:
        """Return what an operation leaves of channels that it mixes in ways not known."""
        layers = {name: None for v in self.values if v.channels for name in v.channels.layers}
        earlier = [v.channels.op for v in self.values if isinstance(v.channels, Lost)]
        return Value(Lost((*earlier, self.name)[0], tuple(layers)) if layers else None)


Result = Value | Each | tuple[Any, ...] | SizeOf | int
Rule = Callable[[Call], Result]


def _values(of: Any) -> Iterator[Value]:
    if isinstance(of, Value):
        yield of
    elif isinstance(of, Each):
        yield of.value
    elif isinstance(of, list | tuple):
        for item in of:
            yield from _values(item)
    elif isinstance(of, Mapping):
        yield from _values(tuple(of.values()))


def from_end(dim: Any, ndim: int | None) -> int | None:
    """Return an axis counted from the end, None where that is not known.

    Args:
        dim: the axis, from either end.
        ndim: number of axes, None where it is not known.

    Examples:
        >>> from_end(1, 4), from_end(-1, None), from_end(1, None)
        (-3, -1, None)
    """
    if not isinstance(dim, int) or (dim >= 0 and ndim is None):
        return None
    return dim if dim < 0 else dim - (ndim or 0)


def all_from_end(dims: Any, ndim: int | None) -> list[int] | None:
    """Return one or several axes counted from the end, None where one is not known.

    Args:
        dims: an axis or a sequence of them.
        ndim: number of axes, None where it is not known.
    """
    several = dims if isinstance(dims, list | tuple) else [dims]
    found = [axis for dim in several if (axis := from_end(dim, ndim)) is not None]
    return found if len(found) == len(several) else None


def are_numbers(of: Any) -> bool:
    """Tell whether it is an integer or a sequence of integers.

    Args:
        of: anything.
    """
    several = of if isinstance(of, list | tuple) else [of]
    return all(isinstance(n, int) for n in several)
