"""Going through a network: along the graph that torch.fx finds, or as it runs on an example."""

import inspect
import operator
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from brevitas.quant_tensor import QuantTensor
from torch import Tensor, fx, nn
from torch.overrides import TorchFunctionMode

from msq_finn.errors import MsqError, said_by
from msq_finn.training.coupling.calls import Call, Each, Value
from msq_finn.training.coupling.channels import Couplings, Lost
from msq_finn.training.coupling.modules import RowLayers, leave
from msq_finn.training.coupling.rules import apply
from msq_finn.training.feed import feed, unwrapped
from msq_finn.training.module_tracer import ModuleTracer


def follow_graph(model: nn.Module, layers: RowLayers, couplings: Couplings) -> None:
    """Follow the channels along the graph that torch.fx finds.

    Args:
        model: a network that decides nothing on values or shapes.
        layers: those of which rows are to be placed.
        couplings: told of what meets.

    Raises:
        MsqError: torch.fx can't trace the network.
    """
    parameters = inspect.signature(model.forward).parameters.values()
    defaults = {p.name: None for p in parameters if p.default is None}
    try:
        tracer = ModuleTracer(
            lambda module: layers.name(module) is not None, ("torch.nn", "brevitas.")
        )
        graph = tracer.trace(model, concrete_args=defaults)
    except Exception as error:
        raise MsqError(
            f"torch.fx can't trace {type(model).__name__}: {said_by(error)}; give coupled_layers "
            "an example input, on which it runs the network instead"
        ) from error
    modules = dict(model.named_modules())
    found: dict[fx.Node, Any] = {}
    for node in graph.nodes:
        if node.op == "get_attr":
            constant = operator.attrgetter(node.target)(model)
            found[node] = Value(ndim=constant.ndim) if isinstance(constant, Tensor) else Value()
            continue
        if node.op in ("placeholder", "output"):
            found[node] = Value()
            continue
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), lambda n: found[n])
        if node.op == "call_module":
            module = modules[node.target]
            call = Call(type(module).__name__, args, kwargs, couplings)
            found[node] = leave(module, layers, call)
            continue
        name = node.target if isinstance(node.target, str) else node.target.__name__
        found[node] = apply(Call(name.strip("_"), args, kwargs, couplings))
        if _is_in_place(name) and node.args and isinstance(node.args[0], fx.Node):
            found[node.args[0]] = found[node]


def _is_in_place(name: str) -> bool:
    """Tell whether an operation changes its first operand."""
    plain = name.strip("_")
    augmented = plain.startswith("i") and plain[1:] in ("add", "sub", "mul", "truediv", "and", "or")
    return augmented or (name.endswith("_") and not name.endswith("__"))


class _Recorder(TorchFunctionMode):
    """Follows the channels of tensors through what torch computes."""

    def __init__(self, layers: RowLayers, couplings: Couplings) -> None:
        super().__init__()
        self.layers = layers
        self.couplings = couplings
        self.depth = 0  # of modules that stay whole, inside of which nothing is followed
        self.seen: dict[str, None] = {}  # layers that have run
        # With the tensors themselves, so that none gives its identity to another.
        self.found: dict[int, tuple[Tensor, Value]] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation of torch and follow its operands' channels."""
        kwargs = kwargs or {}
        if self.depth:
            return func(*args, **kwargs)
        name = getattr(func, "__name__", type(func).__name__)
        if name == "__get__":
            name = func.__self__.__name__
        operands, named = self._known(args), self._known(kwargs)
        result = func(*args, **kwargs)
        call = Call(name.strip("_"), operands, named, self.couplings, _shape(result))
        target = args[0] if name == "__setitem__" else result
        if name != "__set__":
            self._keep(target, apply(call))
        base = target._base if isinstance(target, Tensor) and args and target is args[0] else None
        if base is not None and self._known(base).channels is None:
            self._keep(base, call.lost())  # something was written into a part of it
        return result

    def enter(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """Begin with a module that stays whole."""
        self.depth += 1

    def leave(self, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        """End with a module that stays whole."""
        self.depth -= 1
        if self.depth:
            return
        name, shape = type(module).__name__, _shape(result)
        call = Call(name, self._known(args), self._known(kwargs), self.couplings, shape)
        self._keep(result, leave(module, self.layers, call))
        inside = (self.layers.name(module), *self.layers.inside(module))
        self.seen |= dict.fromkeys(name for name in inside if name)

    def _known(self, of: Any) -> Any:
        """Return the same with what is known of tensors in their place."""
        if isinstance(of, QuantTensor):
            return self._known(of.value)
        if isinstance(of, Tensor):
            shape = tuple(of.shape)
            if id(of) in self.found:
                return self.found[id(of)][1]
            # What was computed out of torch's sight may have any layer's rows.
            hidden = of.grad_fn is not None and len(self.seen) > 0
            lost = Lost("a function that torch doesn't show", tuple(self.seen)) if hidden else None
            return Value(lost, len(shape), shape)
        if isinstance(of, list | tuple):
            return tuple(self._known(item) for item in of)
        if isinstance(of, dict):
            return {name: self._known(item) for name, item in of.items()}
        return of

    def _keep(self, result: Any, value: Any) -> None:
        """Note what is known of a result, which may be several tensors."""
        if isinstance(result, QuantTensor):
            result = result.value
        if isinstance(result, Tensor):
            shape = tuple(result.shape)
            known = value.value if isinstance(value, Each) else value
            known = known if isinstance(known, Value) else Value()
            self.found[id(result)] = (
                result,
                Value(known.channels, len(shape), shape, known.stacked),
            )
        elif isinstance(result, dict):
            self._keep(tuple(result.values()), value)
        elif isinstance(result, list | tuple):
            each = value if isinstance(value, tuple) else [value] * len(result)
            for item, one in zip(result, each, strict=False):
                self._keep(item, one)


def _shape(of: Any) -> tuple[int, ...] | None:
    whole = of.value if isinstance(of, QuantTensor) else of
    return tuple(whole.shape) if isinstance(whole, Tensor) else None


def follow_run(model: nn.Module, example: Any, layers: RowLayers, couplings: Couplings) -> None:
    """Follow the channels as the network runs.

    Args:
        model: the network, in eval mode.
        example: a batch, as `msq_finn.training.feed.feed` takes it.
        layers: those of which rows are to be placed.
        couplings: told of what meets.

    Raises:
        MsqError: the network does not run on the example.
    """
    recorder = _Recorder(layers, couplings)
    hooks: list[Any] = []
    try:
        for module in model.modules():
            if layers.is_whole(module):
                hooks.append(module.register_forward_pre_hook(recorder.enter, with_kwargs=True))
                hooks.append(module.register_forward_hook(recorder.leave, with_kwargs=True))
        with torch.enable_grad(), recorder:
            feed(model, example)
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def as_written(model: nn.Module) -> Iterator[None]:
    """Put all modules of a network into eval mode, without what torch.compile made of them.

    Args:
        model: the network, which is afterwards as it was.
    """
    modules = list(model.modules())
    training = [module.training for module in modules]
    calls = [module._compiled_call_impl for module in modules]
    compiled = [
        (parent, name, child)
        for parent in modules
        for name, child in parent.named_children()
        if hasattr(child, "_orig_mod")
    ]
    try:
        model.eval()
        for module in modules:
            module._compiled_call_impl = None
        for parent, name, child in compiled:
            parent._modules[name] = unwrapped(child)
        yield
    finally:
        for parent, name, child in compiled:
            parent._modules[name] = child
        for module, was_training, call in zip(modules, training, calls, strict=True):
            module.training, module._compiled_call_impl = was_training, call
