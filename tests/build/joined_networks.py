"""Random small networks of maps that are joined, cut and read again in any order."""

from __future__ import annotations

import random
from typing import NamedTuple

import brevitas.nn as qnn
import torch
from torch import nn
from torch.nn import functional

from msq_finn.models import ActQuant, PixelQuant

from .random_networks import WIDTHS, Random

#: What a step makes a new map of: earlier ones, of which most are recent.
KINDS = ("conv", "conv", "conv", "depthwise", "residual", "add", "concat", "concat", "cut", "pool")


class Step(NamedTuple):
    """How a map is made.

    Attributes:
        kind: one of KINDS.
        of: numbers of the maps that it reads.
        more: which of the layers, or first and last channel of a cut.
    """

    kind: str
    of: tuple[int, ...]
    more: tuple[int, ...] = ()


class Joined(Random):
    """A network that a seed decides: maps of one size and one quantizer, each of earlier ones.

    Args:
        seed: of every choice.
    """

    def __init__(self, seed: int) -> None:
        nn.Module.__init__(self)
        torch.manual_seed(seed)
        self.choose = random.Random(seed)
        choice = self.choose.choice
        self.shape = (choice((1, 2, 3)), choice((3, 4, 5)), choice((4, 5)))
        self.pixels = qnn.QuantIdentity(act_quant=PixelQuant)
        self.signed = self.choose.random() < 0.4
        unsigned = qnn.QuantReLU(act_quant=ActQuant)
        self.joined = self._quantizer(True, 4) if self.signed else unsigned
        self.widths = [choice(WIDTHS[1:])]
        self.layers = nn.ModuleList([self._conv(self.shape[0], self.widths[0], [self.joined])])
        self.steps: list[Step] = []
        for _ in range(self.choose.randrange(3, 9)):
            self._add_step(choice(KINDS))
        last = len(self.widths) - 1
        self.ends = sorted({*self.choose.sample(range(last + 1), choice((0, 1))), last})
        self.pooled = choice(("map", "average", "flat"))
        size = sum(self.widths[end] for end in self.ends)
        pixels = self.shape[1] * self.shape[2] if self.pooled == "flat" else 1
        self.head = self._head(size * pixels)

    def _add_step(self, kind):
        count = len(self.widths)
        map_ = count - 1 - min(int(self.choose.expovariate(0.8)), count - 1)
        width = self.widths[map_]
        others = [n for n, w in enumerate(self.widths) if w == width and n != map_]
        if kind == "concat" and count > 1:
            of = self.choose.sample(range(count), min(self.choose.choice((2, 2, 3)), count))
            self._made(Step(kind, tuple(of)), sum(self.widths[n] for n in of))
        elif kind == "add" and others:
            self._made(Step(kind, (map_, self.choose.choice(others))), width)
        elif kind == "cut" and width > 1:
            middle = self.choose.randrange(1, width)
            for ends in ((0, middle), (middle, width)):
                self._made(Step(kind, (map_,), ends), ends[1] - ends[0])
        elif kind == "pool" and not self.signed:
            self._made(Step(kind, (map_,)), width)
        else:
            outputs = width if kind in ("residual", "depthwise") else self.choose.choice(WIDTHS)
            groups = width if kind == "depthwise" else 1
            self.layers.append(self._conv(width, outputs, [self.joined], groups=groups))
            kind = "residual" if kind == "residual" else "conv"
            self._made(Step(kind, (map_,), (len(self.layers) - 1,)), outputs)

    def _made(self, step, width):
        self.steps.append(step)
        self.widths.append(width)

    def _map(self, step, of):
        if step.kind == "concat":
            return torch.cat(of, 1)
        if step.kind == "add":
            return self.joined(of[0] + of[1])
        if step.kind == "cut":
            return of[0][:, step.more[0] : step.more[1]]
        if step.kind == "pool":
            return functional.max_pool2d(of[0], 3, 1, 1)
        made = self.layers[step.more[0]](of[0])
        return self.joined(of[0] + made) if step.kind == "residual" else made

    def forward(self, x):
        maps = [self.layers[0](self.pixels(x))]
        for step in self.steps:
            maps.append(self._map(step, [maps[n] for n in step.of]))
        x = torch.cat([maps[end] for end in self.ends], 1) if len(self.ends) > 1 else maps[-1]
        if self.pooled == "average":
            x = torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1)
        elif self.pooled == "flat":
            x = torch.flatten(x, 1)
        return self.head(x)
