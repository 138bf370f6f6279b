"""Where activations are quantized, and to what, so that hardware computes the same integers."""

from __future__ import annotations

from dataclasses import dataclass

from brevitas.nn import QuantIdentity, QuantReLU
from brevitas.quant import (
    Int8ActPerTensorFloatMinMaxInit,
    Int8ActPerTensorFloatMSE,
    Uint8ActPerTensorFloatMaxInit,
    Uint8ActPerTensorFloatMSE,
)
from torch import Tensor, fx, nn

from msq_finn.post_training.hardware_forms import (
    ADD,
    AVERAGE,
    BEFORE,
    CAT,
    FUNCTION,
    LAYER,
    NORM,
    RELU,
    THROUGH,
    kind_of,
)
from msq_finn.post_training.layout_modules import Channels
from msq_finn.post_training.operations import add_module, replace_module
from msq_finn.post_training.rectify import activate_before_pools, rectify

#: Bits of values that no function bounds: operands and results of sums, bottlenecks, averages.
WIDE_BITS = 8

#: What leaves values what they are, and works on integers only in hardware.
_OF_INTEGERS = (nn.Upsample, nn.ConstantPad2d, Channels)

#: Largest value of inputs that are all 0.
_LEAST_RANGE = 1e-6

#: Most bits of an activation in hardware.
_MOST_BITS = 8


@dataclass(frozen=True)
class Bits:
    """Widths of what is quantized.

    Attributes:
        weights: of all numbers that layers multiply by.
        activations: of what a ReLU, or another function, makes.
        inputs: of the network's input.
    """

    weights: int = 4
    activations: int = 4
    inputs: int = 8


def place_quantizers(module: fx.GraphModule, bits: Bits, samples: Tensor) -> dict[str, float]:
    """Quantize every value that a layer, a pool, a sum or a concatenation reads.

    Args:
        module: in the standard form, without batch normalisation that a layer can take; changed.
        bits: widths.
        samples: inputs, [samples, ...], which say whether what the first layer reads is negative.

    Returns:
        By the name of an activation that has one, its largest value, such as 6 of ReLU6.
    """
    rectify(module)
    activate_before_pools(module)
    places = _Places(module, bits)
    places.quantize_input(samples)
    ceilings = places.quantize_activations()
    places.join()
    places.quantize_the_rest()
    module.graph.lint()
    module.recompile()
    return ceilings


class _Places:
    """The graph while quantizers are put into it."""

    def __init__(self, module: fx.GraphModule, bits: Bits) -> None:
        self.module, self.bits = module, bits
        self.nodes = list(module.graph.nodes)
        #: Values that are quantized, and whether they may be negative.
        self.signs: dict[fx.Node, bool] = {}

    def quantize_input(self, samples: Tensor) -> None:
        """Quantize what the first layer reads, behind what the processor computes."""
        values = self._in_front_of_layers(samples)
        for node in self.nodes:
            if node.op == "placeholder" or kind_of(node) == BEFORE:
                readers = [u for u in node.users if kind_of(u) != BEFORE and u.op != "output"]
                if readers:
                    signed = bool((values[node] < 0).any())
                    # Every input has its level: statistics of Brevitas's average over batches.
                    end = max(float(values[node].abs().max()), _LEAST_RANGE)
                    if signed:
                        recipe = {"act_quant": Int8ActPerTensorFloatMinMaxInit, "min_val": -end}
                    else:
                        recipe = {"act_quant": Uint8ActPerTensorFloatMaxInit}
                    quant = QuantIdentity(**recipe, bit_width=self.bits.inputs, max_val=end)
                    self._insert(quant, "input_quant", node, readers, signed)

    def _in_front_of_layers(self, samples: Tensor) -> dict[fx.Node, Tensor]:
        """The network's input and what is computed from it: (x - mean) / std has other signs."""
        runner = fx.Interpreter(self.module)
        runner.args_iter = iter([samples])
        for node in self.nodes:
            is_known = all(source in runner.env for source in node.all_input_nodes)
            if is_known and kind_of(node) in ("", BEFORE) and node.op != "output":
                runner.env[node] = runner.run_node(node)
        return runner.env

    def quantize_activations(self) -> dict[str, float]:
        """Let every ReLU quantize, and what stands for one; return the ends of those that have one.

        A sign has a bit of its own: above 0 there are as many levels with it as without.
        """
        ceilings = {}
        for node in self.nodes:
            if kind_of(node) == RELU:
                own = self.module.get_submodule(node.target)
                if ceiling := getattr(own, "max_val", None):
                    ceilings[str(node.target)] = float(ceiling)
                bits, signed = self.bits.activations, isinstance(own, nn.Identity)
                quant: nn.Module = QuantReLU(Uint8ActPerTensorFloatMSE, bit_width=bits)
                if signed:
                    quant = self._own(signed, min(bits + 1, _MOST_BITS))
                replace_module(self.module, str(node.target), quant)
                self.signs[node] = signed
        return ceilings

    def join(self) -> None:
        """Let all operands of a sum, or of concatenations of concatenations, share a scale."""
        for members in self._joins():
            edges = [
                (source, node)
                for node in members
                for source in node.all_input_nodes
                if source not in members
            ]
            if kind_of(members[0]) == CAT and self._share_activation([s for s, _ in edges]):
                signed = self.signs[_behind_pools(edges[0][0])]
                self.signs |= dict.fromkeys(members, signed)
                continue
            signed = any(self._may_be_negative(source) for source, _ in edges)
            quant = self._wide(signed)
            name = add_module(self.module, f"{members[0].name}_quant", quant)
            for source, node in edges:
                source, reader = self._ahead_of_maps(source, node)
                if source.target == name:
                    continue  # quantized for another operand
                readers = [reader]
                if source not in self.signs:  # then this is its quantizer for layers as well
                    readers += [u for u in source.users if kind_of(u) in (LAYER, AVERAGE, THROUGH)]
                self._call(name, source, readers, signed)
            if kind_of(members[0]) == CAT:
                self.signs |= dict.fromkeys(members, signed)

    def _ahead_of_maps(self, node: fx.Node, reader: fx.Node) -> tuple[fx.Node, fx.Node]:
        """A join's operand in front of what hardware does with integers only, and its reader there.

        What the operand's other readers read is then quantized as well, as theirs has to be.
        """
        source, first = node, reader
        while (
            kind_of(source) == THROUGH
            and isinstance(self.module.get_submodule(source.target), _OF_INTEGERS)
            and all(u is first or kind_of(u) in (LAYER, AVERAGE, THROUGH) for u in source.users)
        ):
            source, first = source.args[0], source
        is_float = source not in self.signs or kind_of(source) == "quant"
        return (source, first) if is_float else (node, reader)

    def _joins(self) -> list[list[fx.Node]]:
        """Sums, each alone, and concatenations with those that they lead into."""
        groups: dict[fx.Node, list[fx.Node]] = {}
        for node in self.nodes:
            if kind_of(node) == ADD:
                groups[node] = [node]
            if kind_of(node) == CAT:
                group = [node]
                for source in node.all_input_nodes:
                    if kind_of(source) == CAT and groups[source] is not group:
                        group = [*groups[source], *group]
                for member in group:
                    groups[member] = group
        return list({id(group): group for group in groups.values()}.values())

    def _share_activation(self, sources: list[fx.Node]) -> bool:
        """Make one quantizer of the ReLUs that are concatenated, if these are all there is."""
        activations = [_behind_pools(source) for source in sources]
        if any(kind_of(node) != RELU for node in activations):
            return False
        if len({self.signs[node] for node in activations}) > 1:
            return False
        first = self.module.get_submodule(activations[0].target)
        for node in activations[1:]:
            replace_module(self.module, str(node.target), first)
        return True

    def quantize_the_rest(self) -> None:
        """Quantize what else is read by a layer or a pool, behind what made it."""
        for node in self.nodes:
            if kind_of(node) not in (LAYER, NORM, ADD, AVERAGE, FUNCTION):
                continue
            readers = [user for user in node.users if self._needs_integers(user)]
            if readers and node not in self.signs:
                signed = self._may_be_negative(node)
                narrow = kind_of(node) == FUNCTION
                quant = self._own(signed, self.bits.activations) if narrow else self._wide(signed)
                self._insert(quant, f"{node.name}_quant", node, readers, signed)

    def _needs_integers(self, node: fx.Node) -> bool:
        kind = kind_of(node)
        if kind == THROUGH:
            pools = isinstance(self.module.get_submodule(node.target), nn.MaxPool1d | nn.MaxPool2d)
            return pools or any(self._needs_integers(user) for user in node.users)
        return kind in (LAYER, AVERAGE)

    def _may_be_negative(self, node: fx.Node) -> bool:
        if node in self.signs:
            return self.signs[node]
        if kind_of(node) in (THROUGH, AVERAGE, ADD, CAT):
            return any(self._may_be_negative(source) for source in node.all_input_nodes)
        return True

    def _wide(self, signed: bool) -> QuantIdentity:
        return self._own(signed, max(WIDE_BITS, self.bits.activations))

    def _own(self, signed: bool, bits: int) -> QuantIdentity:
        recipe = Int8ActPerTensorFloatMSE if signed else Uint8ActPerTensorFloatMSE
        return QuantIdentity(recipe, bit_width=bits)

    def _insert(
        self, quant: nn.Module, name: str, node: fx.Node, readers: list[fx.Node], signed: bool
    ) -> None:
        self._call(add_module(self.module, name, quant), node, readers, signed)

    def _call(self, name: str, node: fx.Node, readers: list[fx.Node], signed: bool) -> None:
        """Let readers of a value read it through a quantizer."""
        with self.module.graph.inserting_after(node):
            call = self.module.graph.call_module(name, (node,))
        call.meta = {"shape": node.meta.get("shape"), "kind": "quant"}
        self.signs[call] = signed
        for reader in readers:
            reader.replace_input_with(node, call)


def _behind_pools(node: fx.Node) -> fx.Node:
    while kind_of(node) == THROUGH:
        node = node.args[0]
    return node
