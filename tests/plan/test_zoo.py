"""Tables of networks against published sizes."""

from __future__ import annotations

import pytest

from msq_finn.errors import MsqError
from msq_finn.plan.frontend.network import Conv, Layer, Network
from msq_finn.plan.frontend.zoo import NETWORKS


@pytest.mark.parametrize(
    ("name", "macs", "weights"),
    [
        # MLPerf Tiny; He et al. (CIFAR); FINN (CNV, RadioML, KWS); Howard et al.; He et al.;
        # Sandler et al.
        ("resnet8", 12.5e6, 77.4e3),
        ("resnet20", 40.8e6, 0.27e6),
        ("cnv", 59.5e6, 1.54e6),
        ("vgg10_radioml", 12.9e6, 0.159e6),
        ("kws_mlp", 259_584, 259_584),
        ("mobilenet_v1_0.25", 41e6, 0.47e6),
        ("mobilenet_v1_1.0", 569e6, 4.2e6),
        ("resnet18", 1.81e9, 11.7e6),
        ("resnet50", 4.09e9, 25.5e6),
        ("mobilenet_v2", 300e6, 3.5e6),
    ],
)
def test_sizes(name: str, macs: float, weights: float):
    network = NETWORKS[name]()
    assert network.macs == pytest.approx(macs, rel=0.02)
    assert sum(la.mw * la.mh for la in network.layers) == pytest.approx(weights, rel=0.02)


def test_windows():
    assert Conv(3, (224, 224), (7, 7), (2, 2), (3, 3)).out == (112, 112)
    assert Conv(2, (1024, 1), (3, 1), pad=(1, 0)).out == (1024, 1)
    assert not Conv(64, (8, 8), (1, 1)).is_needed


def test_first_and_last_layers_are_special():
    for make in NETWORKS.values():
        layers = make().layers
        assert (layers[0].act_bits, layers[0].act_signed) == (8, True)
        assert (layers[-1].steps, layers[-1].ordered) == (0, True)
        assert all(la.steps == 15 and la.act_bits == 4 for la in layers[1:-1])


def test_bad_networks_are_refused():
    with pytest.raises(MsqError, match="nothing to plan"):
        Network("empty", ())
    with pytest.raises(MsqError, match="two layers have one name"):
        Network("twins", (Layer("a", 4, 4, 1),) * 2)
    with pytest.raises(MsqError, match="a: MW, MH"):
        Layer("a", 0, 4, 1)
