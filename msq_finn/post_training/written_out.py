"""Activations that are written with others, such as ``x * sigmoid(x)``, by their names."""

from __future__ import annotations

from typing import Any

from torch import fx, nn

from msq_finn.post_training.operations import name_of, put


def name_activations(module: fx.GraphModule) -> None:
    """Put one module in the place of an activation that several operations make.

    Args:
        module: a traced network with shapes; it is changed, and computes the same.
    """
    find = _Finder(dict(module.named_modules()))
    for node in list(module.graph.nodes):
        if (found := find.gated(node)) is not None or (found := find.gate(node)) is not None:
            source, own = found
            if not isinstance(own, nn.Sigmoid):
                find.modules[str(put(module, node, own, source).target)] = own


class _Finder:
    """Finds what operations come to; each answer is the value they read, and the module.

    Args:
        modules: of the network, by name.
    """

    def __init__(self, modules: dict[str, nn.Module]) -> None:
        self.modules = modules

    def gated(self, node: fx.Node) -> tuple[fx.Node, nn.Module] | None:
        """SiLU, Mish and hard swish: a value times a function of itself."""
        if (sixfold := self._times(node, 1 / 6)) is not None:
            operands = self._operands(sixfold, "mul")
            for value, other in (operands, operands[::-1]):
                if value is not None and value is self._cut_at_six(other):
                    return value, nn.Hardswish()
        operands = self._operands(node, "mul")
        for value, other in (operands, operands[::-1]):
            if value is None or other is None:
                continue
            found = self.gate(other)
            if found is not None and found[0] is value:
                return value, nn.SiLU() if isinstance(found[1], nn.Sigmoid) else nn.Hardswish()
            inner = self._argument(other, "tanh", "Tanh")
            if inner is not None and self._argument(inner, "softplus", "Softplus") is value:
                return value, nn.Mish()
        return None

    def gate(self, node: fx.Node) -> tuple[fx.Node, nn.Module] | None:
        """A sigmoid, or a hard one: ``relu6(x + 3) / 6`` too."""
        if (source := self._argument(node, "sigmoid", "Sigmoid")) is not None:
            return source, nn.Sigmoid()
        if (source := self._argument(node, "hardsigmoid", "Hardsigmoid")) is not None:
            return source, nn.Hardsigmoid()
        source = self._cut_at_six(self._times(node, 1 / 6))
        return None if source is None else (source, nn.Hardsigmoid())

    def _cut_at_six(self, node: fx.Node | None) -> fx.Node | None:
        """The value x of ``relu6(x + 3)``."""
        moved = None if node is None else self._argument(node, "relu6", "ReLU6")
        operands = [] if moved is None else self._arguments(moved, "add", "iadd")
        value, number = (*operands, None, None)[:2]
        return value if isinstance(value, fx.Node) and number == 3 else None

    def _times(self, node: fx.Node, factor: float) -> fx.Node | None:
        """The value that a node multiplies by a number, or divides by its reciprocal."""
        for names, number in ((("mul",), factor), (("truediv", "div"), 1 / factor)):
            value, by = (*self._arguments(node, *names), None, None)[:2]
            is_number = isinstance(by, int | float) and abs(by - number) < 1e-3 * number
            if is_number and isinstance(value, fx.Node):
                return value
        return None

    def _operands(self, node: fx.Node, name: str) -> tuple[fx.Node | None, fx.Node | None]:
        values = [v for v in self._arguments(node, name) if isinstance(v, fx.Node)]
        return (values[0], values[1]) if len(values) == 2 else (None, None)

    def _argument(self, node: fx.Node, *names: str) -> fx.Node | None:
        """The one value that a function or a module of a name reads."""
        value = (*self._arguments(node, *names), None)[0]
        return value if isinstance(value, fx.Node) else None

    def _arguments(self, node: fx.Node, *names: str) -> list[Any]:
        if not node.op.startswith("call") or name_of(node, self.modules) not in names:
            return []
        return list(node.args)
