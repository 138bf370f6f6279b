"""What stands between a layer and its quantizer, and keeps the rows' schemes.

Brevitas builds a quantizer anew whenever weights are loaded, merged, shared or set. The schemes of
the rows are state, and outlive that here.
"""

import warnings
from typing import Any, cast

import torch
from brevitas.nn.quant_rnn import GateWeight
from brevitas.proxy import WeightQuantProxyFromInjector
from torch import Tensor, nn

from msq_finn.errors import MsqError
from msq_finn.quant.core import SchemeIntQuant
from msq_finn.quant.keywords import refuse_unknown_keywords
from msq_finn.quant.stateless import has_values, is_traced

_COMPILED = "tensor_quant._orig_mod."
_PLAIN = "tensor_quant."


class SchemeWeightQuantProxy(WeightQuantProxyFromInjector):
    """Brevitas's weight proxy, with rows that only an assignment changes.

    A quantizer that was never assigned takes its rows from the float weights that it is built with,
    and again from those that are loaded. It keeps them from then on, or once it has computed.

    Its type also tells Brevitas's exporters which handler it wants.

    Args:
        quant_layer: the layer, or the first of those that share the quantizer.
        quant_injector: its recipe.

    Raises:
        MsqError: a keyword that no quantizer knows, or with a value that this one cannot obey.
    """

    rows_assigned = False
    """The rows were named by keyword, assigned, or loaded: float weights do not change them."""

    _rows_kept = False
    _dealt_from: tuple[Tensor, ...] = ()
    _rows_known = False
    """The rows were made of numbers, rather than for a shape alone; memory that is not filled yet
    holds any."""

    def __init__(self, quant_layer: nn.Module, quant_injector: Any) -> None:
        refuse_unknown_keywords(quant_injector)
        super().__init__(quant_layer, quant_injector)
        given = "row_schemes" in quant_injector and quant_injector.row_schemes
        self.rows_assigned = bool(given) and self._rows_known

    @property
    def int_quant(self) -> SchemeIntQuant:
        """What rounds to the grids.

        Raises:
            MsqError: quantization is switched off, by ``weight_quant_type="fp"``.
        """
        if self.tensor_quant is None:
            raise MsqError("this layer's weights are not quantized")
        # Brevitas's compile_quant wraps the quantizer.
        quant: Any = getattr(self.tensor_quant, "_orig_mod", self.tensor_quant)
        return cast(SchemeIntQuant, quant.int_quant)

    @property
    def is_row_mixed(self) -> bool:
        """Whether rows may have different schemes."""
        return self.tensor_quant is not None and self.int_quant.row_kinds is not None

    def init_tensor_quant(self, preserve_state_dict: bool = False) -> None:
        """Build the quantizer anew, with the rows that it had.

        Args:
            preserve_state_dict: as Brevitas has it: keep learned scales, too.
        """
        kept = None
        weights = tuple(self.tracked_parameter_list)
        changed_in_place = len(weights) == len(self._dealt_from) and all(
            weight is other for weight, other in zip(weights, self._dealt_from, strict=True)
        )
        keeps = self.rows_assigned or self._rows_kept or changed_in_place
        if self.is_row_mixed and self._rows_known and keeps:
            kept = self.int_quant.kinds()
        super().init_tensor_quant(preserve_state_dict)
        if not self.is_row_mixed:
            return
        rows = self.int_quant.kinds()
        if kept is None:
            self._dealt_from = weights
            self._rows_known = has_values(rows) and all(map(has_values, weights))
            return
        if kept.shape == rows.shape:
            self.int_quant.set_rows(kept.to(rows.device))
        else:
            self._warn(f"the layer has {len(rows)} rows now instead of {len(kept)}")
            self.rows_assigned = self._rows_kept = False

    def assign(self, kinds: Tensor) -> None:
        """Give each row a scheme, for good.

        Learned scales of rows that change begin anew, as their quantizer finds them.

        Args:
            kinds: per row, the index of its scheme; shape (rows,), int64.

        Raises:
            MsqError: there is one scheme only, or the number of rows or an index is wrong.
        """
        before = self.int_quant.kinds()
        self.int_quant.set_rows(kinds)
        self.rows_assigned = self._rows_known = True
        changed = self.int_quant.kinds() != before
        if changed.any():
            self._forget_cached()
            self._search_scales(changed)
            self._forget_cached()

    def _forget_cached(self) -> None:
        """Drop the quantized weights that Brevitas keeps for inference."""
        self._cached_weight = None
        if self.export_mode:
            self.export_handler.prepare_for_export(self)

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        """Move or cast; rows that go to the meta device are gone.

        Args:
            fn: as in torch.
            recurse: as in torch.
        """
        moved = super()._apply(fn, recurse)
        if self.is_row_mixed and not has_values(self.int_quant.kinds()):
            self.rows_assigned = self._rows_kept = self._rows_known = False
        return moved

    @torch.no_grad()
    def _search_scales(self, rows: Tensor) -> None:
        """Set the learned scales of rows anew, if they were set before."""
        scaling = self.tensor_quant.scaling_impl
        if not getattr(scaling, "init_done", False):
            return
        kept = scaling.value.clone()
        scaling.init_done = False
        scaling.value.fill_(1.0)
        # Brevitas's search compares what the proxy returns with the weights.
        disabled: bool = self.disable_quant  # type: ignore[has-type]
        self.disable_quant = False
        try:
            super().forward(self.tracked_parameter_list[0])
        finally:
            self.disable_quant = disabled
        if kept.numel() == len(rows):
            scaling.value.copy_(torch.where(rows.view(kept.shape), scaling.value, kept))

    def forward(self, x: Tensor) -> Any:
        """Quantize weights.

        Args:
            x: weights of one of the layers that have this quantizer.
        """
        if not self._rows_kept and self.is_quant_enabled:
            self._keep_rows(x)
        return super().forward(x)

    @torch.no_grad()
    def _keep_rows(self, x: Tensor) -> None:
        """Keep the rows from now on; say so if they were dealt from other weights than these."""
        if is_traced() or not has_values(x):
            return
        if getattr(self, "_is_replica", False):  # of DataParallel, for the length of a batch
            original = self.tracked_module_list[0].weight_quant
            if not original._rows_kept:
                original._keep_rows(x)
            return
        self._rows_kept = True
        if self.rows_assigned or not self.is_row_mixed:
            return
        # Not the weights that it was built with: emptying a network on the meta device replaces
        # them unseen.
        weights = self.tracked_parameter_list
        fresh = self.quant_injector.let(tracked_parameter_list=weights).row_kinds
        # Brevitas's recurrent layers fill their weights after they have built the quantizers.
        recurrent = any(isinstance(module, GateWeight) for module in self.tracked_module_list)
        if recurrent or not self._rows_known:
            self._rows_known = True
            self.int_quant.set_rows(fresh)
        elif not torch.equal(fresh, self.int_quant.kinds()):
            self._warn("weights were changed in place since its rows were dealt to schemes")

    def _warn(self, what: str) -> None:
        layers = " and ".join(
            f"{type(module).__name__} with {'x'.join(map(str, module.weight.shape))} weights"
            for module in self.tracked_module_list
        )
        warnings.warn(
            f"{layers}: {what}; msq_finn.training.assign.assign_rows chooses the rows' schemes by "
            f"the present weights",
            stacklevel=3,
        )

    def state_dict(self, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Return the state under the same keys whether or not the quantizer is compiled.

        Args:
            destination: as in torch.
            prefix: as in torch.
            keep_vars: as in torch.
        """
        state = super().state_dict(destination=destination, prefix=prefix, keep_vars=keep_vars)
        _rename(state, prefix + _COMPILED, prefix + _PLAIN)
        return state

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        _rename(state_dict, prefix + _COMPILED, prefix + _PLAIN)
        if self.tensor_quant is None:  # float weights have no use for rows
            for key in [key for key in state_dict if key.startswith(f"{prefix}{_PLAIN}int_quant.")]:
                del state_dict[key]
        elif f"{prefix}{_PLAIN}int_quant.row_kinds" in state_dict:
            self.rows_assigned = True
        elif not self.rows_assigned:
            self._rows_kept, self._dealt_from = False, ()
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
        self._rows_kept = self._rows_known


def _rename(state: dict[str, Any], old: str, new: str) -> None:
    """Give the entries that begin with one prefix another one."""
    for key in [key for key in state if key.startswith(old)]:
        state[new + key.removeprefix(old)] = state.pop(key)
