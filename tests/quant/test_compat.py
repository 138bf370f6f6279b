"""The quantizers under torch's and Brevitas's other machinery."""

import pytest
import torch
from brevitas.nn import QuantConv2d, QuantLinear, QuantLSTM
from torch import distributed, multiprocessing, nn

from msq_finn import schemes
from msq_finn.quant import MSQWeightPerChannelFloat
from msq_finn.training.assign import assign_rows, row_schemes
from msq_finn.training.loop import train


def on_grids(layer):
    quantised = layer.quant_weight()
    ints = (quantised.value / quantised.scale).flatten(1).round().long()
    names = row_schemes(layer)
    return all(schemes.get(name).holds(ints[row]).all() for row, name in enumerate(names))


def test_autocast_to_bfloat16():
    torch.manual_seed(0)
    layer = QuantConv2d(3, 8, 3, bias=False, weight_quant=MSQWeightPerChannelFloat)
    x = torch.randn(4, 3, 8, 8)
    expected = layer(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = layer(x)
        assert on_grids(layer)
    assert got.dtype == torch.bfloat16
    assert torch.allclose(got.float(), expected, atol=0.05 * expected.abs().max().item())
    got.float().square().sum().backward()
    assert layer.weight.grad.isfinite().all() and layer.weight.grad.any()


def test_rows_may_be_assigned_anew_while_training():
    torch.manual_seed(0)
    layer = QuantLinear(6, 8, bias=False, weight_quant=MSQWeightPerChannelFloat)
    seen = []

    def epoch_end(epoch, _):
        with torch.no_grad():
            layer.weight[epoch] *= 10
        names = assign_rows(nn.Sequential(layer), 0.5)["0"]
        seen.append(names[epoch])
        assert on_grids(layer)

    x = torch.randn(64, 6)
    train(layer, x, x.argmax(1), 3, batch_size=16, on_epoch=epoch_end)
    assert seen == ["fixed_4"] * 3


def test_lstm_trains_on_the_grids():
    torch.manual_seed(0)
    lstm = QuantLSTM(
        5, 8, weight_quant=MSQWeightPerChannelFloat, shared_intra_layer_weight_quant=True
    )
    output, _ = lstm(torch.randn(7, 2, 5))
    output.square().sum().backward()
    weights = [m for m in lstm.modules() if hasattr(m, "weight_quant")]
    assert len(weights) == 8
    for layer in weights:
        assert layer.weight.grad.any()
        assert on_grids(layer)


def _ddp_worker(rank, folder):
    distributed.init_process_group("gloo", f"file://{folder}/store", rank=rank, world_size=2)
    torch.manual_seed(rank)
    layer = QuantLinear(6, 8, bias=False, weight_quant=MSQWeightPerChannelFloat)
    model = nn.parallel.DistributedDataParallel(layer)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        model(torch.randn(4, 6)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        assign_rows(nn.Sequential(layer), 0.25)
    torch.save(layer.state_dict(), f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_agree(tmp_path):
    multiprocessing.spawn(_ddp_worker, (str(tmp_path),), nprocs=2)
    first, second = (torch.load(tmp_path / f"{r}.pt", weights_only=True) for r in range(2))
    assert any(name.endswith("row_kinds") for name in first)
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
