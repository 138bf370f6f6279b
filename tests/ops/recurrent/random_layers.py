"""Random recurrent layers of one node, and what they compute, in rationals."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

from msq_finn.ops.recurrent.gated_cells import CellNumbers, attributes
from msq_finn.ops.recurrent.scaling import ScaleRound, scale_round


@dataclass(frozen=True)
class Case:
    """Sizes, lanes and bit widths of a layer."""

    kind: str
    inputs: int
    states: int
    steps: int
    simd: int
    lanes: dict
    act: str = "INT8"
    level_bits: int = 8
    sigmoid_bits: int = 8
    tanh_bits: int = 8
    memory_bits: int = 8
    all_states: bool = True
    dyadic: bool = False
    part: str = "xc7z020clg400-1"


@dataclass
class Random:
    """A layer with random weights and scales."""

    case: Case
    weights: np.ndarray
    schemes: list
    scales: dict = field(default_factory=dict)
    rows: list = field(default_factory=list)  # a row's scale and bias

    @classmethod
    def drawn(cls, case, seed=0):
        """A layer of random numbers."""
        rng = np.random.default_rng(seed)
        pe = sum(case.lanes.values())
        per_lane = [
            name.rsplit("_", 1)[0] for name, count in case.lanes.items() for _ in range(count)
        ]
        schemes = per_lane * (4 * case.states // pe)
        grids = {
            "sp2_4": [-8, -6, -5, -4, -2, -1, 0, 1, 2, 4, 5, 6, 8],
            "fixed_4": list(range(-7, 8)),
        }
        columns = case.inputs + case.states
        weights = np.stack([rng.choice(grids[name], columns) for name in schemes], axis=1)
        if case.kind == "gru":
            weights[case.inputs :, 2::4] = 0
            weights[: case.inputs, 3::4] = 0

        def scale(least, most):
            drawn = float(rng.uniform(math.log2(least), math.log2(most)))
            return (
                Fraction(2) ** round(drawn)
                if case.dyadic
                else Fraction(float(np.float32(2**drawn)))
            )

        scales = {
            "state": scale(1 / 140, 1 / 100) if case.act.endswith("8") else scale(1 / 9, 1 / 6),
            "memory": scale(1 / 60, 1 / 20),
            "tanh": scale(1 / 130, 1 / 120) * Fraction(2 ** (8 - case.tanh_bits)),
            "shown": scale(1 / 130, 1 / 120) * Fraction(2 ** (8 - case.tanh_bits)),
            "acc": [scale(1 / 40, 1 / 20) for _ in range(4)],
            "sigmoid": [
                scale(1 / 256, 1 / 240) * Fraction(2 ** (8 - case.sigmoid_bits)) for _ in range(4)
            ],
        }
        if case.kind == "gru":  # both parts of the candidate share a scale
            scales["acc"][3] = scales["acc"][2]
            scales["sigmoid"][2] = scales["sigmoid"][1]
        rows = []
        for _ in schemes:
            row = scale(1 / 40, 1 / 10)
            rows.append((row, row * scales["state"] * int(rng.integers(-40, 41))))
        return cls(case, weights, schemes, scales, rows)

    def limits(self, bits):
        """Of two's complement, narrow."""
        return 1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1

    def quantized(self, value, scale, low, high):
        """A level, in rationals."""
        return min(max(round(Fraction(value) / scale), low), high)

    def sigmoid(self, level, gate, sign=1):
        """A gate's integer."""
        value = 1 / (1 + math.exp(-sign * float(level * self.scales["acc"][min(gate, 3)])))
        most = 2**self.case.sigmoid_bits - 1
        return self.quantized(Fraction(value), self.scales["sigmoid"][gate], 0, most)

    def tanh(self, value, name):
        """The integer of a hyperbolic tangent."""
        low, high = self.limits(self.case.tanh_bits)
        return self.quantized(Fraction(math.tanh(float(value))), self.scales[name], low, high)

    def numbers(self):
        """The constants that the node is given."""
        case, s = self.case, self.scales
        levels = self.limits(case.level_bits)
        act = DataType[case.act]
        acts = int(act.min()), int(act.max())
        reach = int(np.abs(self.weights).sum(0).max()) * max(-acts[0], acts[1])
        gates = ScaleRound.joined(
            [
                scale_round(
                    scale * s["state"] / s["acc"][row % 4],
                    bias / s["acc"][row % 4],
                    levels,
                    (-reach, reach),
                )
                for row, (scale, bias) in enumerate(self.rows)
            ]
        )
        span = range(levels[0], levels[1] + 1)
        memory = self.limits(case.memory_bits)
        state = self.state_limits()
        if case.kind == "lstm":
            tables = [[self.sigmoid(v, gate) for v in span] for gate in (0, 1, 3)]
            tables.append([self.tanh(v * s["acc"][2], "tanh") for v in span])
            shown = [self.tanh(v * s["memory"], "shown") for v in range(memory[0], memory[1] + 1)]
            products = [
                (s["sigmoid"][1], memory),
                (s["sigmoid"][0] * s["tanh"] / s["memory"], memory),
                (s["sigmoid"][3] * s["shown"] / s["state"], state),
            ]
        else:
            tables = [[self.sigmoid(v, gate) for v in span] for gate in (0, 1)]
            tables.append([self.sigmoid(v, 1, -1) for v in span])
            shown = [self.tanh(v * s["acc"][2], "shown") for v in span]
            products = [
                (s["sigmoid"][0], levels),
                (s["sigmoid"][1], state),
                (s["sigmoid"][1] * s["shown"] / s["state"], state),
            ]
        found = [scale_round(ratio, Fraction(0), ends, (-70000, 70000)) for ratio, ends in products]
        return CellNumbers(gates, tuple(map(tuple, tables)), tuple(shown), tuple(found))

    def state_limits(self):
        """Least and greatest integer of a state."""
        return self.limits(DataType[self.case.act].bitwidth())

    def computed(self, inputs):
        """States of all steps, (steps, states), from scales and functions alone."""
        case, s = self.case, self.scales
        levels, memories = self.limits(case.level_bits), self.limits(case.memory_bits)
        ends = self.state_limits()
        state, memory = [0] * case.states, [0] * case.states
        found = []
        for x in inputs.tolist():
            vector = [*x, *state]
            acc = []
            for row, (scale, bias) in enumerate(self.rows):
                total = sum(int(w) * v for w, v in zip(self.weights[:, row], vector, strict=True))
                acc.append(
                    self.quantized(total * scale * s["state"] + bias, s["acc"][row % 4], *levels)
                )
            new = []
            for unit in range(case.states):
                a, b, c, d = acc[4 * unit : 4 * unit + 4]
                if case.kind == "lstm":
                    i, f, o = self.sigmoid(a, 0), self.sigmoid(b, 1), self.sigmoid(d, 3)
                    g = self.tanh(c * s["acc"][2], "tanh")
                    kept = self.quantized(f * s["sigmoid"][1] * memory[unit], 1, *memories)
                    taken = self.quantized(
                        i * g * s["sigmoid"][0] * s["tanh"], s["memory"], *memories
                    )
                    memory[unit] = min(max(kept + taken, memories[0]), memories[1])
                    shown = self.tanh(memory[unit] * s["memory"], "shown")
                    new.append(
                        self.quantized(o * shown * s["sigmoid"][3] * s["shown"], s["state"], *ends)
                    )
                else:
                    r, z, take = self.sigmoid(a, 0), self.sigmoid(b, 1), self.sigmoid(b, 1, -1)
                    scaled = self.quantized(r * s["sigmoid"][0] * d, 1, *levels)
                    n = self.tanh(min(max(c + scaled, levels[0]), levels[1]) * s["acc"][2], "shown")
                    kept = self.quantized(z * s["sigmoid"][1] * state[unit], 1, *ends)
                    taken = self.quantized(
                        take * n * s["sigmoid"][1] * s["shown"], s["state"], *ends
                    )
                    new.append(min(max(kept + taken, ends[0]), ends[1]))
            state = new
            found.append(state)
        return np.array(found)

    def model(self, **more):
        """A model of one node."""
        case = self.case
        steps = case.steps if case.all_states else 1
        shapes = [1, case.steps, case.inputs], [1, steps, case.states]
        name = {"lstm": "LSTM_MSQ_rtl", "gru": "GRU_MSQ_rtl"}[case.kind]
        info = helper.make_tensor_value_info
        node = helper.make_node(
            name,
            ["in0", "weights"],
            ["out0"],
            name=f"{name}_0",
            domain="finn.custom_op.fpgadataflow.rtl",
            backend="fpgadataflow",
            MW=case.inputs + case.states,
            MH=4 * case.states,
            Inputs=case.inputs,
            States=case.states,
            Steps=case.steps,
            allStates=int(case.all_states),
            inShape=shapes[0],
            outShape=shapes[1],
            inputDataType=case.act,
            accDataType="INT32",
            weightDataType="INT5",
            SIMD=case.simd,
            PE=sum(case.lanes.values()),
            laneKinds=list(case.lanes),
            lanePE=list(case.lanes.values()),
            rowSchemes=self.schemes,
            **attributes(self.numbers()) | more,
        )
        ends = [info(n, TensorProto.FLOAT, s) for n, s in zip(("in0", "out0"), shapes, strict=True)]
        model = ModelWrapper(qonnx_make_model(helper.make_graph([node], "g", ends[:1], ends[1:])))
        model.set_initializer("weights", self.weights.astype(np.float32))
        model.set_tensor_datatype("weights", DataType["INT5"])
        for tensor in ("in0", "out0"):
            model.set_tensor_datatype(tensor, DataType[case.act])
        getCustomOp(model.graph.node[0]).minimize_accumulator_width(model)
        return model

    def sequences(self, count):
        """Random inputs, the extremes among them: (count, 1, steps, inputs)."""
        rng = np.random.default_rng(1)
        kind = DataType[self.case.act]
        shape = (count, 1, self.case.steps, self.case.inputs)
        values = rng.integers(int(kind.min()), int(kind.max()) + 1, shape)
        values.flat[0], values.flat[-1] = int(kind.min()), int(kind.max())
        return values

    def expected(self, sequences):
        """What leaves for sequences."""
        states = np.stack([self.computed(sequence[0]) for sequence in sequences])
        return (states if self.case.all_states else states[:, -1:])[:, None].reshape(
            len(sequences), 1, -1, self.case.states
        )
