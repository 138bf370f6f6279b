"""A tracer of torch.fx that takes decisions on shapes, such as ``if x.dim() == 3``."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, fx, nn

from msq_finn.training.module_tracer import ModuleTracer

#: Of a module, while torch.fx does not trace; it puts its own in their place.
_PLAIN = {name: getattr(nn.Module, name) for name in ("__call__", "__getattr__")}

#: Methods, and attributes, of a tensor that say its shape.
_SAYS = {"size", "dim", "ndimension", "numel", "shape", "ndim"}


class ShapeTracer(ModuleTracer):
    """Traces the way that an input of one shape takes through a network.

    Decisions on values, which differ by input, stay errors of torch.fx.

    Args:
        whole: tells of a user's module whether it stays whole.
        libraries: how the names of modules of Python begin that hold a library's.
        example: the input, [batch, ...].
    """

    def __init__(
        self, whole: Callable[[nn.Module], bool], libraries: tuple[str, ...], example: Tensor
    ) -> None:
        super().__init__(whole, libraries)
        self._example = example

    def to_bool(self, obj: fx.Proxy) -> bool:
        """Decide, if it is a shape that decides.

        Args:
            obj: what stands behind ``if``.
        """
        return bool(self._run(obj.node)) if _is_of_shapes(obj.node) else super().to_bool(obj)

    def _run(self, last: fx.Node) -> Any:
        """What a node gives for the example."""
        runner = fx.Interpreter(self.root, garbage_collect_values=False, graph=self.graph)
        with torch.no_grad(), patch.multiple(nn.Module, **_PLAIN):
            for node in self.graph.nodes:
                given = node.op == "placeholder"
                runner.env[node] = self._example if given else runner.run_node(node)
                if node is last:
                    break
        return runner.env[last]


def _is_of_shapes(node: Any) -> bool:
    """Whether a number is computed from shapes, and from other numbers, alone."""
    if not isinstance(node, fx.Node):
        return True
    if node.op == "call_method":
        return node.target in _SAYS
    if node.op != "call_function":
        return False
    if node.target is getattr:
        return node.args[1] in _SAYS
    computes = getattr(node.target, "__module__", "") in (operator.__name__, "_operator", "math")
    return computes and all(map(_is_of_shapes, node.all_input_nodes))
