"""One step after the other of a GRU whose tensors are all quantized."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Multiplies an input by weights.
Linear = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class GRUTensors:
    """Quantized weights and biases, by gate; shapes as of torch's linear layers.

    Attributes:
        reset_input: weights of inputs, of the reset gate; shape (hidden, inputs).
        reset_hidden: weights of states; shape (hidden, hidden).
        reset_bias: the sum of torch's two; shape (hidden,), or () without one.
        update_input: the same of the update gate; shape (hidden, inputs).
        update_hidden: shape (hidden, hidden).
        update_bias: shape (hidden,), or ().
        candidate_input: the same of the candidate; shape (hidden, inputs).
        candidate_hidden: weights of states, whose sums the reset gate multiplies; shape
            (hidden, hidden).
        candidate_bias: of the inputs' sums; shape (hidden,), or ().
        candidate_hidden_bias: of the states' sums; shape (hidden,), or ().
    """

    reset_input: Tensor
    reset_hidden: Tensor
    reset_bias: Tensor
    update_input: Tensor
    update_hidden: Tensor
    update_bias: Tensor
    candidate_input: Tensor
    candidate_hidden: Tensor
    candidate_bias: Tensor
    candidate_hidden_bias: Tensor

    def mapped(self, function: Callable[[Tensor], Tensor]) -> GRUTensors:
        """Return the same with a function of each.

        Args:
            function: of a tensor.
        """
        return GRUTensors(*(function(getattr(self, f.name)) for f in fields(self)))


class QuantGRUCell(nn.Module):
    """The steps of a GRU, in the form of ``torch.nn.GRU``.

    Both parts of the candidate's sum are brought to one scale, and so are both parts of the new
    state, so that hardware adds integers. What is left of the old state and what is taken of the
    candidate are quantized alike: 1 - sigmoid(a) is sigmoid(-a).

    Args:
        quantizers: by the names in `QUANTIZERS`; each returns a tuple with the values first. Those
            of sigmoids and tanh apply these as well.
        reverse_input: whether to begin with the last step.
        batch_first: whether steps are the input's second axis, else its first.
    """

    #: Of states; of the sums of the gates and of the candidate; of what gates and candidate are.
    QUANTIZERS = (
        "output_quant",
        "reset_acc_quant",
        "update_acc_quant",
        "candidate_acc_quant",
        "reset_sigmoid_quant",
        "update_sigmoid_quant",
        "candidate_tanh_quant",
    )

    def __init__(
        self, quantizers: dict[str, nn.Module], reverse_input: bool, batch_first: bool
    ) -> None:
        super().__init__()
        for name in self.QUANTIZERS:
            setattr(self, name, quantizers[name])
        self.reverse_input = reverse_input
        self.batch_first = batch_first

    def forward_iter(
        self, x: Tensor, state: Tensor, tensors: GRUTensors, linear: Linear = F.linear
    ) -> Any:
        """Compute a step.

        Args:
            x: inputs of the step, shape (N, inputs).
            state: shape (N, hidden).
            tensors: weights and biases.
            linear: multiplies by weights.

        Returns:
            the new state as its quantizer gives it, values first.
        """
        w = tensors
        reset = linear(x, w.reset_input) + linear(state, w.reset_hidden) + w.reset_bias
        reset = value_of(self.reset_sigmoid_quant(value_of(self.reset_acc_quant(reset))))
        update = linear(x, w.update_input) + linear(state, w.update_hidden) + w.update_bias
        update = value_of(self.update_acc_quant(update))
        keep, take = (value_of(self.update_sigmoid_quant(acc)) for acc in (update, -update))
        acc_quant = self.candidate_acc_quant
        inputs = value_of(acc_quant(linear(x, w.candidate_input) + w.candidate_bias))
        hidden = linear(state, w.candidate_hidden) + w.candidate_hidden_bias
        hidden = value_of(acc_quant(hidden))
        candidate = value_of(acc_quant(inputs + value_of(acc_quant(reset * hidden))))
        candidate = value_of(self.candidate_tanh_quant(candidate))
        parts = (keep * state, take * candidate)
        kept, taken = (value_of(self.output_quant(part)) for part in parts)
        return self.output_quant(kept + taken)

    def forward(self, x: Tensor, state: Tensor, tensors: GRUTensors) -> Sequence[Any]:
        """Compute all steps.

        Args:
            x: inputs.
            state: before the first step, shape (N, hidden).
            tensors: weights and biases.

        Returns:
            the states in the order computed, as their quantizer gives them, values first.
        """
        steps = x.unbind(1 if self.batch_first else 0)
        outputs = []
        for step in reversed(steps) if self.reverse_input else steps:
            outputs.append(self.forward_iter(step, state, tensors))
            state = value_of(outputs[-1])
        return outputs


def value_of(quantized: Any) -> Tensor:
    """Return the values of what a quantizer gives, of the shape of what it quantizes.

    Args:
        quantized: a tuple with the values first; in torch's newer exporter Brevitas's quantizers
            give the values alone.
    """
    found: Tensor = quantized if isinstance(quantized, Tensor) else quantized[0]
    return found


def no_bias(like: Tensor) -> Tensor:
    """Return what stands for a bias that there is none of, a scalar.

    Args:
        like: of any shape, of the same device and type.
    """
    return torch.zeros((), device=like.device, dtype=like.dtype)
