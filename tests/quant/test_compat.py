"""The quantizers under torch's and Brevitas's other machinery."""

import copy

import pytest
import torch
from brevitas.export.inference.manager import quant_inference_mode
from brevitas.nn import QuantConv2d, QuantLinear, QuantLSTM, QuantRNN
from torch import distributed, multiprocessing, nn

from msq_finn import schemes
from msq_finn.quant import MSQWeightPerChannelFloat, SP2WeightPerChannelFloat
from msq_finn.training.assign import assign_rows, mixed_layers, row_schemes
from msq_finn.training.loop import train


def on_grids(layer):
    quantized = layer.quant_weight()
    ints = (quantized.value / quantized.scale).flatten(1).round().long().cpu()
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


# Brevitas 0.13 has no QuantGRU.
@pytest.mark.parametrize(("recurrent", "gates"), [(QuantLSTM, 4), (QuantRNN, 1)])
@pytest.mark.parametrize("shared", [False, True])
def test_recurrent_layers_train_on_the_grids(recurrent, gates, shared):
    torch.manual_seed(0)
    options = {"shared_intra_layer_weight_quant": True} if shared and gates > 1 else {}
    layer = recurrent(5, 8, weight_quant=MSQWeightPerChannelFloat, **options)
    output, _ = layer(torch.randn(7, 2, 5))
    output.square().sum().backward()
    weights = [m for m in layer.modules() if hasattr(m, "weight_quant")]
    assert len(weights) == 2 * gates
    assert len(mixed_layers(layer)) == (1 if options else gates)
    for weight in weights:
        assert weight.weight.grad.any()
        assert row_schemes(weight).count("sp2_4") == 4
        assert on_grids(weight)


def small_net():
    torch.manual_seed(0)
    return nn.Sequential(
        QuantConv2d(1, 8, 3, bias=False, weight_quant=MSQWeightPerChannelFloat),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Flatten(),
        QuantLinear(288, 10, bias=False, weight_quant=SP2WeightPerChannelFloat),
    )


# Neither Brevitas's own quantizers nor ours train in a network that torch compiles as a whole:
# Brevitas 0.13's QuantTensor stops it. Compiled quantizers are Brevitas's way.
@pytest.mark.slow
def test_network_with_compiled_quantizers_trains_alike():
    plain, compiled = small_net(), small_net()
    for layer in (compiled[0], compiled[4]):
        layer.weight_quant.compile_quant()
    x, y = torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 3])
    for ratio in (0.5, 0.25):
        found = []
        for network in (plain, compiled):
            assert list(mixed_layers(network)) == ["0"]
            assert assign_rows(network, ratio)["0"].count("sp2_4") == 8 * ratio
            loss = nn.functional.cross_entropy(network(x), y)
            loss.backward()
            found.append([loss, *(p.grad for p in network.parameters())])
        for a, b in zip(*found, strict=True):
            assert a.any()
            assert torch.allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("compiles", [False, True])
@pytest.mark.parametrize("cached", [False, True])
def test_inference_mode_computes_alike(cached, compiles):
    network, x = small_net().eval(), torch.rand(4, 1, 8, 8)
    expected = network(x)
    with torch.no_grad(), quant_inference_mode(network, cache_quant_weight=cached):
        network(x)
        run = torch.compile(network, backend="aot_eager", fullgraph=True) if compiles else network
        assert torch.allclose(run(x), expected, atol=1e-5)
    assert torch.equal(network(x), expected)
    assert on_grids(network[0])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_computes_the_same_integers():
    torch.manual_seed(0)
    layer = QuantConv2d(3, 8, 3, bias=False, weight_quant=MSQWeightPerChannelFloat)
    twin = copy.deepcopy(layer).cuda()
    quantized, on_gpu = layer.quant_weight(), twin.quant_weight()
    ints = [(q.value / q.scale).round().cpu() for q in (quantized, on_gpu)]
    assert torch.equal(*ints)
    assert assign_rows(nn.Sequential(twin), 0.25) == assign_rows(nn.Sequential(layer), 0.25)
    twin(torch.randn(2, 3, 6, 6).cuda()).square().sum().backward()
    assert twin.weight.grad.any() and on_grids(twin)


def _ddp_worker(rank, folder):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", f"file://{folder}/store", rank=rank, world_size=2)
    torch.manual_seed(rank)
    layer = QuantLinear(6, 8, bias=False, weight_quant=MSQWeightPerChannelFloat)
    model = nn.parallel.DistributedDataParallel(layer)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x = torch.randn(4, 6) * torch.rand(6).exp()

    def loss():
        return layer(x).pow(4).mul(torch.randperm(8) + 1.0).sum()

    for strategy in ("variance", "mse", "hessian"):
        model(x).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        assign_rows(nn.Sequential(layer), 0.25, strategy, loss)
        torch.save(layer.state_dict(), f"{folder}/{rank}.{strategy}")
    distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_agree(tmp_path):
    multiprocessing.spawn(_ddp_worker, (str(tmp_path),), nprocs=2)
    for strategy in ("variance", "mse", "hessian"):
        first, second = (
            torch.load(tmp_path / f"{rank}.{strategy}", weights_only=True) for rank in range(2)
        )
        assert any(name.endswith("row_kinds") for name in first)
        for name, tensor in first.items():
            assert torch.equal(tensor, second[name]), (strategy, name)
