"""Weights that go from one network to another."""

from torch import Tensor, nn

from msq_finn.errors import MsqError, said_by
from msq_finn.training.feed import unwrapped


def start_from(model: nn.Module, float_model: nn.Module) -> None:
    """Copy the parameters of a float network to a quantized one with the same names of layers.

    Rows of row-mixed layers that were not assigned explicitly are assigned anew, by the variance of
    the copied weights. Buffers are copied too, whatever their type: statistics, integers, masks.

    Args:
        model: the quantized network, which is changed; it may be compiled or wrapped.

    Raises:
        MsqError: a parameter other than the quantizers' is in one of the networks only, or is not
            finite, or a buffer holds NaN; the text names it.
    """
    source = unwrapped(float_model)
    entries = source.state_dict()
    trained = {name for name, _ in source.named_parameters(remove_duplicate=False)}
    for name, entry in entries.items():
        # Extra state is no tensor, and integers are finite. Masks of buffers may be infinite.
        if not isinstance(entry, Tensor) or not (entry.is_floating_point() or entry.is_complex()):
            continue
        if name in trained and not entry.isfinite().all():
            raise MsqError(f"parameter {name} is not finite; check the training for divergence")
        if entry.isnan().any():
            raise MsqError(f"buffer {name} holds NaN; check the training for divergence")
    try:
        result = unwrapped(model).load_state_dict(entries, strict=False)
    except RuntimeError as error:
        raise MsqError(f"the float network does not fit: {said_by(error)}") from error
    missing = [name for name in result.missing_keys if "_quant." not in name]
    for names, where in ((missing, "float"), (result.unexpected_keys, "quantized")):
        if names:
            raise MsqError(f"parameter {names[0]} is not in the {where} network; build both alike")
