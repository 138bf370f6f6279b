"""Numbers that a module computes with but does not own: they are no state of any kind.

Buffers would be averaged, cast, moved and reloaded with the weights. These numbers are looked up
wherever the weights are, whenever they are needed.
"""

import torch
from torch import Tensor
from torch._subclasses import FakeTensor
from torch.fx.experimental.proxy_tensor import get_proxy_mode

_ON_DEVICES: dict[tuple[tuple[float, ...], torch.dtype, torch.device], Tensor] = {}


def has_values(tensor: Tensor) -> bool:
    """Tell whether a tensor holds numbers, rather than a shape alone (meta device, fake tensors).

    Args:
        tensor: of any shape.
    """
    return not (tensor.is_meta or isinstance(tensor, FakeTensor))


def is_traced() -> bool:
    """Tell whether what is computed now is recorded, so that no decision may hang on numbers."""
    recorded = get_proxy_mode() is not None
    return bool(recorded or torch.compiler.is_compiling() or torch.jit.is_tracing())


def constants_beside(values: tuple[float, ...], like: Tensor, dtype: torch.dtype) -> Tensor:
    """Return numbers as a tensor on the device of another one.

    Each device gets them once, since copying them there waits for the device. Compilers and fake
    tensors get a tensor of their own, which becomes a constant of what they trace.

    Args:
        like: the tensor that they meet, of any shape.
        dtype: the type that they shall have.

    Returns:
        The numbers, of shape (len(values),). Do not change it in place.
    """
    if torch.compiler.is_compiling() or not has_values(like):
        return torch.tensor(values, dtype=dtype, device=like.device)
    key = (values, dtype, like.device)
    found = _ON_DEVICES.get(key)
    if found is None:
        with torch.inference_mode(False):
            found = torch.tensor(values, dtype=dtype, device=like.device)
        # A mode may be active that makes tensors of its own.
        if type(found) is Tensor:
            _ON_DEVICES[key] = found
    return found


def computing_type(dtype: torch.dtype) -> torch.dtype:
    """Return the type to quantize in: at least float32, in which every grid integer is exact.

    Args:
        dtype: the type of the weights.
    """
    return torch.promote_types(dtype, torch.float32)
