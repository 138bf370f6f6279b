import numpy as np
import pytest
from qonnx.core.datatype import DataType
from qonnx.core.onnx_exec import execute_onnx

from .graphs import two_layers

pytestmark = pytest.mark.usefixtures("finn")


@pytest.mark.parametrize(("kind", "least"), [("UINT8", 0), ("INT8", -400)])
def test_only_thresholds_that_unsigned_inputs_always_pass_change(rng, kind, least):
    from msq_finn.transforms.clip_thresholds import ClipUnsignedThresholds

    model = two_layers(rng, ["fixed"] * 4)
    # Inputs and weights that keep the first layer's sums in the range of the type.
    model.set_initializer("w0", np.abs(np.sign(model.get_initializer("w0"))))
    model.set_tensor_datatype("sums", DataType[kind])
    thresholds = np.sort(rng.integers(-400, 120, (4, 15)), axis=1).astype(np.float32)
    thresholds[0, 0] = -400
    model.set_initializer("t0", thresholds)
    image = {"inp": rng.integers(0, 4, (1, 12)).astype(np.float32)}
    before = execute_onnx(model, image)["outp"]
    model = model.transform(ClipUnsignedThresholds())
    clipped = model.get_initializer("t0")
    assert clipped.min() == least
    np.testing.assert_array_equal(clipped, np.maximum(thresholds, least))
    np.testing.assert_array_equal(execute_onnx(model, image)["outp"], before)
