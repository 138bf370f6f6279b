"""What is said of a model's weights."""

import numpy as np
from pydantic import BaseModel, ConfigDict

from msq_finn.lanes.demand import PAIR

SCHEMA_VERSION = 1

#: Schemes that rows are compared with; others, such as PoT(4) and Fixed(8), have lanes too.
SCHEMES = PAIR


class InspectedRow(BaseModel):
    """One output channel.

    Attributes:
        schemes: the schemes that hold all of its integers.
        variance: of its weights, as the file has them in front of the quantizer.
        errors: per scheme, the squared error relative to the sum of squares, if those weights were
            projected on it with the best alpha; about 0 for a scheme that they were projected on
            before they were exported.
    """

    model_config = ConfigDict(frozen=True)
    schemes: list[str]
    variance: float
    errors: dict[str, float]

    @property
    def kind(self) -> str:
        """Which of the schemes hold it: "SP2 only", "fixed only", "either" or "neither"."""
        if len(self.schemes) == len(SCHEMES):
            return "either"
        return {(): "neither", ("sp2_4",): "SP2 only"}.get(tuple(self.schemes), "fixed only")

    @property
    def letter(self) -> str:
        """One letter for the kind."""
        return {"SP2 only": "S", "fixed only": "F", "either": "E"}.get(self.kind, "-")


class InspectedLayer(BaseModel):
    """One layer with quantized weights.

    Attributes:
        name: of the layer.
        op: its operation.
        columns: weights of a row.
        smallest: the least integer among the weights.
        largest: the greatest.
        rows: output channels, in their order.
    """

    model_config = ConfigDict(frozen=True)
    name: str
    op: str
    columns: int
    smallest: int
    largest: int
    rows: list[InspectedRow]

    def count(self, kind: str) -> int:
        """Number of rows of a kind.

        Args:
            kind: as `InspectedRow.kind` names it.
        """
        return sum(row.kind == kind for row in self.rows)

    def mean_error(self, scheme: str) -> float:
        """Mean over the rows of their error under a scheme.

        Args:
            scheme: one of `SCHEMES`.
        """
        return float(np.mean([row.errors[scheme] for row in self.rows]))


class Inspection(BaseModel):
    """All layers of a model.

    Attributes:
        schema_version: of this form.
        model: the file's name.
        layers: in the model's order.
    """

    model_config = ConfigDict(frozen=True)
    schema_version: int = SCHEMA_VERSION
    model: str
    layers: list[InspectedLayer]
