"""The board's driver on a fake of PYNQ; FINN's own driver on the same fake has to do the same."""

from __future__ import annotations

import copy
import sys

import numpy as np
import pytest

from msq_finn.build.board.accelerator import Accelerator

from . import fake_pynq
from .test_packing import values_of

BATCH = 4

#: Two inputs and two outputs, of which FINN's settings would say so.
SHAPES = {
    "idt": ["DataType['UINT4']", "DataType['INT5']"],
    "odt": ["DataType['INT11']", "DataType['UINT8']"],
    "idma_names": ["idma0", "idma1"],
    "odma_names": ["odma0", "odma1"],
    "ishape_normal": [[1, 2, 2, 6], [1, 9]],
    "ishape_folded": [[1, 2, 2, 2, 3], [1, 3, 3]],
    "ishape_packed": [[1, 2, 2, 2, 2], [1, 3, 2]],
    "oshape_normal": [[1, 10], [1, 4]],
    "oshape_folded": [[1, 2, 5], [1, 4, 1]],
    "oshape_packed": [[1, 2, 7], [1, 4, 1]],
    "num_inputs": 2,
    "num_outputs": 2,
}

#: Of the types the values that the fake accelerator gives.
OUTPUTS = [values_of("INT11", (BATCH, 10)), values_of("UINT8", (BATCH, 4))]


def inputs():
    return [values_of("UINT4", (BATCH, 2, 2, 6)), values_of("INT5", (BATCH, 9))]


def computed(given):
    """The outputs of frame k, where frame k is given, whatever else is."""
    frames = len(given[0])
    first, second = (output.astype(np.int64)[:frames] for output in OUTPUTS)
    return [
        fake_pynq.packed(first.reshape(frames, 2, 5), 11, 7),
        fake_pynq.packed(second.reshape(frames, 4, 1), 8, 1),
    ]


def board_of(compute=computed, **options):
    return fake_pynq.Board(compute, ("idma0", "idma1"), ("odma0", "odma1"), **options)


def accelerator_of(board, **options):
    overlay = board.modules()["pynq"].Overlay("finn-accel.bit")
    options = {"batch_size": BATCH, "timeout_s": 0.05} | options
    return Accelerator(overlay, copy.deepcopy(SHAPES), board.allocate, **options)


def finns(board, monkeypatch, weights="nowhere"):
    """FINN's driver, imported onto the fake."""
    pytest.importorskip("finn_plus_driver")
    for name in [name for name in sys.modules if name.startswith("finn_plus_driver")]:
        monkeypatch.delitem(sys.modules, name)
    for name, module in board.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    sys.modules["pynq"].Bitstream = None  # of drivers that are imported beside this one
    from finn_plus_driver import get_driver_class

    return get_driver_class("FINNDMAOverlay")(
        "finn-accel.bit",
        "zynq-iodma",
        copy.deepcopy(SHAPES),
        batch_size=BATCH,
        runtime_weight_dir=str(weights),
    )


def test_registers_and_bytes_are_those_of_finns_driver(monkeypatch):
    ours, theirs = board_of(), board_of()
    accelerator, driver = accelerator_of(ours), finns(theirs, monkeypatch)
    for array_size in (BATCH, 2):
        accelerator.batch_size = driver.batch_size = array_size
        given = [array[:array_size] for array in inputs()]
        found, expected = accelerator.execute(given), driver.execute(given)
        for one, other in zip(found, expected, strict=True):
            assert (one.shape, one.dtype) == (other.shape, other.dtype)
            np.testing.assert_array_equal(one, other)
    accelerator.execute_on_buffers(batch_size=1)
    driver.execute_on_buffers(batch_size=1)
    assert ours.writes == theirs.writes
    assert len(ours.writes) == 3 * 4 * 4
    for one, other in zip(ours.runs, theirs.runs, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
    for side in ("normal", "folded", "packed"):
        for end, count in (("i", 2), ("o", 2)):
            for index in range(count):
                name = f"{end}shape_{side}"
                assert getattr(accelerator, name)(index) == getattr(driver, name)(index)
    assert set(accelerator.throughput_test()) == set(driver.throughput_test())


def test_outputs_are_what_the_accelerator_gave():
    board = board_of()
    found = accelerator_of(board).execute(inputs())
    for array, expected in zip(found, OUTPUTS, strict=True):
        np.testing.assert_array_equal(array, expected)
    (given,) = board.runs
    first = fake_pynq.unpacked(given[0], 4, False, 3).reshape(BATCH, 2, 2, 6)
    second = fake_pynq.unpacked(given[1], 5, True, 3).reshape(BATCH, 9)
    for array, expected in zip((first, second), inputs(), strict=True):
        np.testing.assert_array_equal(array, expected)


def test_one_input_and_one_output_need_no_list():
    shapes = {key: value[:1] if isinstance(value, list) else 1 for key, value in SHAPES.items()}
    board = fake_pynq.Board(lambda given: computed(given)[:1])
    overlay = board.modules()["pynq"].Overlay("finn-accel.bit")
    accelerator = Accelerator(overlay, shapes, board.allocate, batch_size=BATCH)
    for given in (inputs()[0], [inputs()[0]]):
        np.testing.assert_array_equal(accelerator.execute(given), OUTPUTS[0])


def test_runs_can_be_waited_for_later():
    board = board_of()
    accelerator = accelerator_of(board)
    accelerator.execute_on_buffers(asynch=True, batch_size=2)
    accelerator.wait_until_finished()
    # One that nobody waits for leaves nothing that the next could take for its own end.
    accelerator.execute_on_buffers(asynch=True)
    board.silent = ("odma0",)
    with pytest.raises(TimeoutError):
        accelerator.execute_on_buffers()


@pytest.mark.parametrize(
    ("silent", "said"),
    [
        (("odma1",), r"output DMA odma1 .* \(idma0 has and idma1 has read its input to the end\)"),
        (
            ("idma0", "odma0", "odma1"),
            r"output DMA odma0 did not finish 4 images in 0.05 s \(idma0 has not and idma1 has",
        ),
    ],
)
def test_what_did_not_answer_is_named(silent, said):
    accelerator = accelerator_of(board_of(silent=silent))
    with pytest.raises(TimeoutError, match=said):
        accelerator.execute(inputs())
    busy = next(name for name in silent if name.startswith("odma"))
    with pytest.raises(RuntimeError, match=f"{busy} is busy with an earlier run"):
        accelerator.execute_on_buffers()


def test_what_does_not_fit_is_refused_before_anything_runs():
    board = board_of()
    accelerator = accelerator_of(board)
    first, second = inputs()
    cases = [
        ([first], "1 arrays, but the accelerator has 2"),
        (first, "1 arrays, but the accelerator has 2"),
        ([first[:2], second], r"input 0 has shape \(2, 2, 2, 6\); with batch_size 4 it is \(4,"),
        ([first, second + 100], "is no INT5"),
    ]
    for given, said in cases:
        with pytest.raises(ValueError, match=said):
            accelerator.execute(given)
    for frames in (0, BATCH + 1):
        with pytest.raises(ValueError, match=f"{frames} frames, but batch_size is 4"):
            accelerator.execute_on_buffers(batch_size=frames)
    for size in (0, 1.5):
        with pytest.raises(ValueError, match="batch_size is a whole number from 1 on"):
            accelerator.batch_size = size
    assert board.runs == []


@pytest.fixture
def weights(tmp_path):
    """Files of two memories, of words with every bit."""
    words = {2: [0, 1, 0xFFFFFFFF, 0x80000000], 3: [0xDEADBEEF] * 5}
    for kernel, content in words.items():
        lines = "\n".join(f"{word:08x}" for word in content)
        (tmp_path / f"{kernel}_0_MVAU_MSQ_rtl_{kernel}.dat").write_text(lines)
    return tmp_path, words


def memories(**options):
    return {f"StreamingDataflowPartition_{k}": fake_pynq.Mmio(6, **options) for k in (2, 3)}


def test_weights_are_written_as_finns_driver_writes_them(weights, monkeypatch):
    folder, words = weights
    ours, theirs = board_of(memories=memories()), board_of(memories=memories())
    assert accelerator_of(ours).load_runtime_weights(folder) == 2
    finns(theirs, monkeypatch, folder)
    for name, memory in ours.memories.items():
        np.testing.assert_array_equal(memory.array, theirs.memories[name].array)
        expected = words[int(name[-1])]
        assert memory.array[: len(expected)].tolist() == expected
    assert ours.writes[: len(theirs.writes)] == theirs.writes
    # Runs use up the weights of before, of which FINN's one may take too few.
    assert len(ours.runs) == 16 and len(theirs.runs) == 1


def test_weights_that_do_not_stay_are_seen(weights):
    board = board_of(memories=memories(stuck=8))
    said = r"Partition_2 reads 0x00000000 for 0xffffffff at word 2 of 2_0_MVAU_MSQ_rtl_2.dat"
    with pytest.raises(RuntimeError, match=said):
        accelerator_of(board).load_runtime_weights(weights[0])


def test_weights_without_a_kernel_are_refused(weights):
    said = "the overlay has no StreamingDataflowPartition_2 for 2_0_MVAU_MSQ_rtl_2.dat"
    with pytest.raises(RuntimeError, match=said):
        accelerator_of(board_of()).load_runtime_weights(weights[0])


def test_no_weights_take_no_run(tmp_path):
    board = board_of()
    assert accelerator_of(board).load_runtime_weights(tmp_path / "none") == 0
    assert board.runs == []


def recurrent(board, longest=8):
    return accelerator_of(board, sequence_length={"kernels": [2, 4], "longest": longest})


def registers_of(**options):
    """The registers of two layers among other kernels, as they are behind the bitfile."""
    found = {f"StreamingDataflowPartition_{k}": fake_pynq.Mmio(1, **options) for k in range(6)}
    for register in found.values():
        register.array[0] = 8
    return found


def test_the_length_of_sequences_is_written_to_every_recurrent_layer():
    registers = registers_of()
    accelerator = recurrent(board_of(memories=registers))
    assert accelerator.sequence_length == 8
    for length in (3, np.int64(1), 8, 5):
        accelerator.sequence_length = length
        assert accelerator.sequence_length == length
    found = [int(register.array[0]) for register in registers.values()]
    assert found == [8, 8, 5, 8, 5, 8]


@pytest.mark.parametrize("length", [0, 9, -1, 2.5])
def test_a_length_that_no_sequence_has_is_refused(length):
    accelerator = recurrent(board_of(memories=registers_of()))
    with pytest.raises(ValueError, match=f"whole number of steps from 1 to 8, not {length}"):
        accelerator.sequence_length = length
    assert accelerator.sequence_length == 8


def test_a_length_is_not_written_under_a_run():
    accelerator = recurrent(board_of(memories=registers_of()))
    accelerator.execute_on_buffers(asynch=True)
    with pytest.raises(RuntimeError, match="a run is under way; wait_until_finished"):
        accelerator.sequence_length = 3
    accelerator.wait_until_finished()
    accelerator.sequence_length = 3
    assert accelerator.sequence_length == 3


def test_what_has_no_length_or_does_not_take_it_is_named():
    with pytest.raises(RuntimeError, match="sequences of one length; build it with --runtime"):
        accelerator_of(board_of()).sequence_length = 3
    with pytest.raises(
        RuntimeError, match="no StreamingDataflowPartition_2 for lengths of sequences"
    ):
        recurrent(board_of())
    stuck = recurrent(board_of(memories=registers_of(stuck=0)))
    said = "Partition_2 reads 0x00000008 for 0x00000003 at word 0 of lengths of sequences"
    with pytest.raises(RuntimeError, match=said):
        stuck.sequence_length = 3
    apart = registers_of()
    apart["StreamingDataflowPartition_4"].array[0] = 3
    with pytest.raises(RuntimeError, match="different lengths"):
        recurrent(board_of(memories=apart)).sequence_length  # noqa: B018
