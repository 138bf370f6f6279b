"""LUT pairing against an exhaustive matching."""

from __future__ import annotations

import random

import networkx as nx

from msq_finn.synth.pairing import Lut, count_pairs


def _maximum(luts: list[Lut]) -> int:
    graph = nx.Graph()
    for i, a in enumerate(luts):
        for j, b in enumerate(luts[:i]):
            if len(a.nets | b.nets) <= 5 and not (a.on_carry and b.on_carry):
                graph.add_edge(i, j)
    return len(nx.max_weight_matching(graph, maxcardinality=True))


def _random(rng: random.Random, count: int, nets: int, carry: float) -> list[Lut]:
    return [
        Lut(frozenset(rng.sample(range(nets), rng.randint(1, 5))), rng.random() < carry)
        for _ in range(count)
    ]


def test_small_circuits_miss_the_maximum_by_one_pair_and_rarely():
    rng = random.Random(7)
    for carry, tolerated in ((0.0, 1), (0.4, 12)):
        missed = []
        for _ in range(300):
            luts = _random(rng, rng.randint(2, 24), rng.choice((5, 8, 12, 20)), carry)
            missed.append(_maximum(luts) - count_pairs(luts))
        assert min(missed) == 0
        assert max(missed) <= 1
        assert sum(missed) <= tolerated


def test_greedy_matching_is_close_to_the_maximum():
    for nets in (150, 400, 1500):
        luts = _random(random.Random(8), 1500, nets, 0.3)
        exact, greedy = count_pairs(luts, exact_limit=len(luts)), count_pairs(luts, exact_limit=0)
        assert greedy >= 0.975 * exact


def test_luts_on_one_common_net_all_pair():
    selected = [Lut(frozenset({0, 2 * k + 1, 2 * k + 2})) for k in range(3000)]
    assert count_pairs(selected) == 1500


def test_large_luts_are_not_left_over_for_small_ones():
    four, three = Lut(frozenset({1, 2, 3, 4})), Lut(frozenset({3, 4, 5}))
    other_three, two = Lut(frozenset({5, 6, 7})), Lut(frozenset({8, 9}))
    # (four, three) and (other_three, two); the pair of threes would leave the four alone.
    assert count_pairs([three, other_three, four, two]) == 2
