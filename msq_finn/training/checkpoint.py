"""Weights that go from one network to another."""

from torch import nn

from msq_finn.errors import MsqError, said_by


def start_from(model: nn.Module, float_model: nn.Module) -> None:
    """Copy the parameters of a float network to a quantized one with the same names of layers.

    Rows of row-mixed layers that were not assigned explicitly are assigned anew, by the variance of
    the copied weights.

    Args:
        model: the quantized network, which is changed.
        float_model: the float network.

    Raises:
        MsqError: a parameter other than the quantizers' is in one of the networks only, or is not
            finite; the text names it.
    """
    parameters = float_model.state_dict()
    for name, parameter in parameters.items():
        if not parameter.isfinite().all():
            raise MsqError(f"parameter {name} is not finite; check the training for divergence")
    try:
        result = model.load_state_dict(parameters, strict=False)
    except RuntimeError as error:
        raise MsqError(f"the float network does not fit: {said_by(error)}") from error
    missing = [name for name in result.missing_keys if "_quant." not in name]
    for names, where in ((missing, "float"), (result.unexpected_keys, "quantized")):
        if names:
            raise MsqError(f"parameter {names[0]} is not in the {where} network; build both alike")
