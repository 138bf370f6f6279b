"""Export of recurrent layers as standard QONNX, unrolled over the length of the example input.

Brevitas writes an op of its own, QuantLSTMCell, that nothing runs. Here every step is written with
``Quant``, MatMul, Add, Mul, Sigmoid and Tanh nodes, on weights that all steps share; builds find
the steps and make one layer of them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from brevitas.export.onnx.handler import ONNXBaseHandler
from brevitas.export.onnx.qonnx.handler import BrevitasQuantLSTMLayerHandler
from brevitas.nn.quant_rnn import _QuantLSTMLayer
from torch import Tensor

from msq_finn.errors import MsqError
from msq_finn.nn.gru_cell import GRUTensors, QuantGRUCell, value_of
from msq_finn.nn.quant_gru import QuantGRULayer


def _turned(tensor: Tensor) -> Tensor:
    """Weights as MatMul takes them.

    Once, for all steps: QONNX folds each transposition of a tensor into it, one after the other
    (qonnx.transformation.quant_constant_folding), as if nothing else read it.
    """
    return tensor.t() if tensor.ndim == 2 else tensor


def _stacked(states: Sequence[Tensor], cell: Any) -> Tensor:
    """The states of all steps as one tensor, in the order of the inputs."""
    dim = 1 if cell.batch_first else 0
    ordered = reversed(states) if cell.reverse_input else states
    return torch.cat([state.unsqueeze(dim) for state in ordered], dim=dim)


def _steps(x: Tensor, cell: Any) -> list[Tensor]:
    """Inputs of the steps, in the order in which they are computed."""
    steps = list(x.unbind(1 if cell.batch_first else 0))
    return steps[::-1] if cell.reverse_input else steps


class UnrolledLSTMHandler(BrevitasQuantLSTMLayerHandler):
    """Write the steps of a quantized LSTM; a float one stays ONNX's own LSTM, as Brevitas has it.

    Brevitas refuses cells of which some quantizers are disabled.
    """

    handled_layer = _QuantLSTMLayer

    def prepare_for_export(self, module: Any) -> None:
        """Take over the cell, whose quantizers write their nodes themselves."""
        super().prepare_for_export(module)
        self.cell = module.cell

    def quantized_cell_symbolic_execution(
        self, x: Tensor, hidden: Tensor, state: Tensor, *tensors: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Compute step by step.

        Args:
            x: quantized inputs.
            hidden: state before the first step.
            state: of the cell, before the first step.
            tensors: weights of inputs, weights of states and biases, each of the input, forget,
                cell and output gate.

        Returns:
            all hidden states, the last one, and the last state of the cell.
        """
        cell = self.cell
        if cell.cifg:
            raise MsqError("an LSTM with coupled input and forget gates cannot be exported")
        inputs, hiddens, biases = (tensors[i : i + 4] for i in (0, 4, 8))
        gates = [
            (_turned(w), _turned(u), b, getattr(cell, f"{name}_acc_quant"), function)
            for w, u, b, (name, function) in zip(
                inputs,
                hiddens,
                biases,
                (
                    ("input", cell.input_sigmoid_quant),
                    ("forget", cell.forget_sigmoid_quant),
                    ("cell", cell.cell_tanh_quant),
                    ("output", cell.output_sigmoid_quant),
                ),
                strict=True,
            )
        ]
        states = []
        for step in _steps(x, cell):
            i, f, g, o = (
                value_of(function(value_of(acc_quant(step @ w + hidden @ u + b))))
                for w, u, b, acc_quant, function in gates
            )
            kept, taken = (value_of(cell.cell_state_quant(part)) for part in (f * state, i * g))
            state = value_of(cell.cell_state_quant(kept + taken))
            shown = value_of(cell.hidden_state_tanh_quant(state))
            hidden = value_of(cell.output_quant(o * shown))
            states.append(hidden)
        return _stacked(states, cell), hidden, state


class UnrolledGRUHandler(ONNXBaseHandler):
    """Write the steps of a `msq_finn.nn.QuantGRU`."""

    handled_layer = QuantGRULayer

    def prepare_for_export(self, module: Any) -> None:
        """Take over the cell.

        Raises:
            MsqError: some quantizers are disabled.
        """
        self.cell = module.cell
        disabled = [
            name
            for name in QuantGRUCell.QUANTIZERS
            if not getattr(self.cell, name).is_quant_enabled
        ]
        if disabled:
            raise MsqError(f"a GRU is exported with all its quantizers; {disabled[0]} is disabled")

    def symbolic_execution(
        self, x: Tensor, hidden: Tensor, tensors: GRUTensors
    ) -> tuple[Tensor, Tensor]:
        """Compute step by step.

        Args:
            x: quantized inputs.
            hidden: state before the first step.
            tensors: weights and biases.

        Returns:
            all states, and the last one.
        """
        turned = tensors.mapped(_turned)
        states = []
        for step in _steps(x, self.cell):
            hidden = value_of(self.cell.forward_iter(step, hidden, turned, torch.matmul))
            states.append(hidden)
        return _stacked(states, self.cell), hidden
