"""QuantGRU: a GRU by the conventions of ``brevitas.nn.QuantLSTM``."""

from __future__ import annotations

from typing import Any

import torch
from brevitas.nn import QuantIdentity, QuantSigmoid, QuantTanh
from brevitas.nn.mixin import QuantBiasMixin
from brevitas.nn.mixin.base import QuantRecurrentLayerMixin
from brevitas.nn.quant_rnn import GateParams, QuantRecurrentStackBase
from brevitas.quant import (
    Int8ActPerTensorFloat,
    Int8WeightPerTensorFloat,
    Int32Bias,
    Uint8ActPerTensorFloat,
)
from brevitas.quant_tensor import _unpack_quant_tensor
from torch import Tensor, nn

from msq_finn.nn.gru_cell import GRUTensors, QuantGRUCell, no_bias

#: In the order of the rows of torch's weights.
GATES = ("reset", "update", "candidate")


class CandidateParams(GateParams):
    """Weights of the candidate, whose sums of states have a bias of their own.

    Args:
        inputs: of a step.
        hidden: size of the state.
        bias: whether there are biases.
        weight_quant: of both weights.
        bias_quant: of both biases.
        options: further keywords, as of Brevitas's GateParams.
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        bias: bool,
        weight_quant: Any,
        bias_quant: Any,
        **options: Any,
    ) -> None:
        super().__init__(inputs, hidden, bias, weight_quant, bias_quant, None, **options)
        self.hidden_bias = HiddenBias(hidden, bias, bias_quant, **options)


class HiddenBias(QuantBiasMixin, nn.Module):
    """The bias of a candidate's sums of states.

    Args:
        hidden: size of the state.
        bias: whether there is one.
        bias_quant: its quantizer.
        options: keywords for it.
    """

    def __init__(self, hidden: int, bias: bool, bias_quant: Any, **options: Any) -> None:
        nn.Module.__init__(self)
        where = {key: options.get(key) for key in ("dtype", "device")}
        self.bias = nn.Parameter(torch.zeros(hidden, **where)) if bias else None
        QuantBiasMixin.__init__(self, bias_quant, **options)


class QuantGRULayer(QuantRecurrentLayerMixin, nn.Module):
    """One layer of a `QuantGRU`, in one direction; arguments as there."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        batch_first: bool,
        weight_quant: Any,
        bias_quant: Any,
        io_quant: Any,
        gate_acc_quant: Any,
        sigmoid_quant: Any,
        tanh_quant: Any,
        reverse_input: bool,
        quantize_output_only: bool,
        shared_input_hidden_weights: bool,
        return_quant_tensor: bool,
        dtype: torch.dtype | None,
        device: torch.device | None,
        **options: Any,
    ) -> None:
        nn.Module.__init__(self)

        def quantizer(kind: Any, quant: Any, prefix: str) -> Any:
            return kind(quant, act_kwargs_prefix=prefix, **options).act_quant

        found = {"output_quant": quantizer(QuantIdentity, io_quant, "io_")}
        for gate in GATES:
            found[f"{gate}_acc_quant"] = quantizer(QuantIdentity, gate_acc_quant, "gate_acc_")
        for gate in ("reset", "update"):
            found[f"{gate}_sigmoid_quant"] = quantizer(QuantSigmoid, sigmoid_quant, "sigmoid_")
        found["candidate_tanh_quant"] = quantizer(QuantTanh, tanh_quant, "tanh_")
        QuantRecurrentLayerMixin.__init__(
            self,
            cell=QuantGRUCell(found, reverse_input, batch_first),
            io_quant=found["output_quant"],
            input_size=input_size,
            hidden_size=hidden_size,
            reverse_input=reverse_input,
            quantize_output_only=quantize_output_only,
            shared_input_hidden_weights=shared_input_hidden_weights,
            return_quant_tensor=return_quant_tensor,
        )
        options |= {"dtype": dtype, "device": device}
        sizes = (input_size, hidden_size, bias, weight_quant, bias_quant)
        self._fast_cell: QuantGRUCell | None = None
        self.reset_gate_params = GateParams(*sizes, None, **options)
        self.update_gate_params = GateParams(*sizes, None, **options)
        self.candidate_gate_params = CandidateParams(*sizes, **options)
        self.reset_parameters()

    @property
    def weights_to_share(self) -> dict[str, Any]:
        """Nothing: directions have weights of their own."""
        return {}

    @property
    def quantizers_to_share(self) -> dict[str, Any]:
        """Keywords for other layers and directions: the quantizer of inputs and states."""
        return {"io_quant": self.io_quant}

    @property
    def fast_cell(self) -> Any:
        """The cell without Brevitas's proxies around its quantizers."""
        if self._fast_cell is None:
            quantizers = {name: self._wrap_act_proxy(name) for name in QuantGRUCell.QUANTIZERS}
            self._fast_cell = QuantGRUCell(
                quantizers, self.cell.reverse_input, self.cell.batch_first
            )
        return self._fast_cell

    def tensors(self, x: Any) -> GRUTensors:
        """Return quantized weights and biases.

        Args:
            x: quantized inputs, of whose scale biases are multiples.
        """
        values: dict[str, Tensor] = {}
        for gate in GATES:
            params = getattr(self, f"{gate}_gate_params")
            inputs, hidden, bias = self.gate_params_fwd(params, x)
            values |= {f"{gate}_input": inputs, f"{gate}_hidden": hidden, f"{gate}_bias": bias}
        extra = self.candidate_gate_params.hidden_bias
        hidden = self.candidate_gate_params.hidden_weight()
        values["candidate_hidden_bias"] = extra.bias_quant(extra.bias, x, hidden)
        like = _unpack_quant_tensor(x)
        return GRUTensors(
            **{
                name: no_bias(like) if value is None else _unpack_quant_tensor(value)
                for name, value in values.items()
            }
        )

    def forward(self, inp: Any, hidden_state: Tensor | None = None) -> tuple[Any, Any]:
        """Compute all steps.

        Args:
            inp: sequences.
            hidden_state: before the first step, shape (N, hidden); None for zeros.

        Returns:
            the states of all steps, and that of the last.
        """
        x = self.maybe_quantize_input(inp)
        values = _unpack_quant_tensor(x)
        state = self.maybe_quantize_state(values, hidden_state, self.cell.output_quant)
        cell = self.cell
        if self.export_mode:
            cell = self.export_handler
        elif self.fast_mode:
            cell = self.fast_cell
        outputs = cell(values, _unpack_quant_tensor(state), self.tensors(x))
        if self.export_mode:
            outputs, last = outputs
        else:
            last = outputs[-1]
        return self.pack_quant_outputs(outputs), self.pack_quant_state(last, self.cell.output_quant)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Take torch's parameters as well, whose gates lie one behind the other."""
        hidden = self.hidden_size
        for name in [n for n in state_dict if n.startswith(prefix)]:
            kind = name.removeprefix(prefix)
            if kind not in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                continue
            of = "input" if kind.endswith("ih") else "hidden"
            for gate, part in zip(GATES, state_dict.pop(name).split(hidden), strict=True):
                place = f"{prefix}{gate}_gate_params."
                if kind.startswith("weight"):
                    state_dict[f"{place}{of}_weight.weight"] = part
                elif gate == "candidate" and of == "hidden":
                    state_dict[f"{place}hidden_bias.bias"] = part
                else:
                    known = state_dict.get(f"{place}bias")
                    state_dict[f"{place}bias"] = part if known is None else known + part
        super()._load_from_state_dict(state_dict, prefix, *rest)


class QuantGRU(QuantRecurrentStackBase):
    """A GRU of which every tensor is quantized (Cho et al., EMNLP 2014, in torch's form).

    Arguments are those of ``brevitas.nn.QuantLSTM`` without those of cell states and of shared
    weights. It takes and returns what ``torch.nn.GRU`` does, and loads its parameters.

    Args:
        input_size: numbers of a step.
        hidden_size: of the state.
        num_layers: one reading the states of the other.
        bias: whether there are biases.
        batch_first: whether sequences are (N, T, inputs), else (T, N, inputs).
        bidirectional: whether a second direction is computed from the end, its states behind.
        weight_quant: of weights; the two of a gate share it.
        bias_quant: of biases.
        io_quant: of inputs and states, of all layers.
        gate_acc_quant: of the sums of a gate, and of the two of the candidate.
        sigmoid_quant: of the gates.
        tanh_quant: of the candidate.
        return_quant_tensor: whether results are Brevitas's quantized tensors.
        dtype: of parameters.
        device: likewise.
        options: keywords of quantizers, behind ``weight_``, ``bias_``, ``io_``, ``gate_acc_``,
            ``sigmoid_`` and ``tanh_``.

    Examples:
        >>> gru = QuantGRU(8, 16, batch_first=True)
        >>> states, last = gru(torch.rand(2, 5, 8))
        >>> states.shape, last.shape
        (torch.Size([2, 5, 16]), torch.Size([1, 2, 16]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        bidirectional: bool = False,
        weight_quant: Any = Int8WeightPerTensorFloat,
        bias_quant: Any = Int32Bias,
        io_quant: Any = Int8ActPerTensorFloat,
        gate_acc_quant: Any = Int8ActPerTensorFloat,
        sigmoid_quant: Any = Uint8ActPerTensorFloat,
        tanh_quant: Any = Int8ActPerTensorFloat,
        return_quant_tensor: bool = False,
        dtype: torch.dtype | None = None,
        device: torch.device | None = None,
        **options: Any,
    ) -> None:
        super().__init__(
            layer_impl=QuantGRULayer,
            input_size=input_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            bidirectional=bidirectional,
            io_quant=io_quant,
            shared_input_hidden_weights=False,
            dtype=dtype,
            device=device,
            return_quant_tensor=return_quant_tensor,
            bias=bias,
            batch_first=batch_first,
            weight_quant=weight_quant,
            bias_quant=bias_quant,
            gate_acc_quant=gate_acc_quant,
            sigmoid_quant=sigmoid_quant,
            tanh_quant=tanh_quant,
            **options,
        )
