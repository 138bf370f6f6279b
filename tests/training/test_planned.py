"""Rows as a plan says, for the network it was made for and for others."""

import pytest

from msq_finn.errors import MsqError
from msq_finn.models import digits_cnn, resnet8
from msq_finn.plan.file.layer_plan import LayerPlan
from msq_finn.plan.file.schema import Plan
from msq_finn.quant import FixedWeightPerChannelFloat
from msq_finn.training.assign import assign_rows, row_schemes
from msq_finn.training.couple import coupled_layers
from msq_finn.training.planned import module_name

# Name, columns, rows, SP2 rows.
DIGITS = [("conv1", 9, 16, 4), ("conv2", 144, 32, 20), ("conv3", 288, 32, 16), ("fc", 128, 10, 0)]


def planned(name, mw, mh, sp2):
    rows = {"sp2_4": sp2, "fixed_4": mh - sp2}
    return LayerPlan.model_construct(name=name, mw=mw, mh=mh, rows=rows)


@pytest.fixture
def plan():
    return Plan.model_construct(layers=[planned(*layer) for layer in DIGITS])


def test_rows_are_those_of_the_plan(plan):
    model = digits_cnn()
    for strategy in ("variance", "mse"):
        names = assign_rows(model, plan, strategy)
        for layer in plan.layers[:3]:
            assert names[layer.name].count("sp2_4") == layer.rows["sp2_4"]
    assert row_schemes(model.conv2).count("sp2_4") == 20
    variance = model.conv2.weight.flatten(1).var(1)
    assert set(variance.argsort()[:20].tolist()) == {
        row for row, name in enumerate(assign_rows(model, plan)["conv2"]) if name == "sp2_4"
    }


def changed(plan: Plan, **values) -> Plan:
    layers = [plan.layers[0].model_copy(update=values), *plan.layers[1:]]
    return plan.model_copy(update={"layers": layers})


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"name": "conv9"}, "the plan's layer conv9 is not in this network"),
        ({"mw": 18}, "layer conv1: 16x9 weights, 16x18 in the plan; the plan is for another"),
        ({"mh": 32}, "layer conv1: 16x9 weights, 32x9 in the plan"),
        ({"name": "relu1"}, "the plan's layer relu1 is not in this network"),
    ],
)
def test_plans_for_other_networks_are_refused(plan, values, text):
    with pytest.raises(MsqError, match=text):
        assign_rows(digits_cnn(), changed(plan, **values))


def test_every_row_mixed_layer_must_be_planned(plan):
    shorter = plan.model_copy(update={"layers": plan.layers[:2]})
    with pytest.raises(MsqError, match="layer conv3 is not in the plan"):
        assign_rows(digits_cnn(), shorter)


def test_sp2_rows_need_a_row_mixed_layer(plan):
    model = digits_cnn()
    model.conv2 = type(model.conv2)(16, 32, 3, bias=False, weight_quant=FixedWeightPerChannelFloat)
    with pytest.raises(MsqError, match="layer conv2: 20 SP2 rows in the plan, but"):
        assign_rows(model, plan)


def test_names_of_the_exported_file_are_understood():
    """Conv nodes of a ResNet are named /1/1.0/Conv, /2/first/first.0/Conv and so on."""
    names = ("1/1.0", "2/first/first.0", "3/shortcut/shortcut.0", "7", "conv1")
    expected = ["1.0", "2.first.0", "3.shortcut.0", "7", "conv1"]
    assert [module_name(name) for name in names] == expected
    model = resnet8()
    layers = []
    for name, module in model.named_modules():
        if hasattr(module, "weight_quant"):
            rows, scope = len(module.weight), "1/1.0" if name == "1.0" else name
            mixed = 0 if name == "7" else rows // 4
            layers.append(planned(scope, module.weight[0].numel(), rows, mixed))
    plan = Plan.model_construct(layers=layers)
    assigned = assign_rows(model, plan, coupled=coupled_layers(model))
    assert {name: row.count("sp2_4") * 4 for name, row in assigned.items()} == {
        name: len(row) for name, row in assigned.items()
    }
    assert assigned["3.second.0"] == assigned["3.shortcut.0"]
