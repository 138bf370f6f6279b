"""Loading folders that are written here, with images whose contents are known."""

import numpy as np
import pytest
import torch
from PIL import Image

from msq_finn.errors import MsqError
from msq_finn.training.augment import shift, shift_and_flip
from msq_finn.training.image_data import load
from msq_finn.training.loop import accuracy, train

NAMES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


def pixels(seed):
    return np.random.default_rng(seed).integers(0, 256, (3, 3072), dtype=np.uint8)


def write_binary(folder):
    for seed, name in enumerate(NAMES):
        labels = np.array([[seed], [9], [0]], dtype=np.uint8)
        np.hstack([labels, pixels(seed)]).tofile(folder / f"{name}.bin")


def test_cifar10(tmp_path):
    write_binary(tmp_path)
    split, recipe = load(tmp_path)
    assert (len(split.x_train), len(split.x_test)) == (15, 3)
    assert split.y_train.tolist() == [c for batch in range(5) for c in (batch, 9, 0)]
    assert split.y_test.tolist() == [5, 9, 0]
    # Red, green and blue planes follow each other, row by row.
    image = split.x_train[4] * 0.25 + 0.45
    expected = pixels(1)[1].reshape(3, 32, 32) / 255
    assert np.allclose(image.numpy(), expected, atol=1e-6)
    assert recipe.make(None)(split.x_test).shape == (3, 10)


def test_pickles_are_not_read(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(b"cos\nsystem\n(S'touch run'\ntR.")
    with pytest.raises(MsqError, match=r"pickles are not read; download the binary version \(cif"):
        load(tmp_path)


def test_cut_files_are_refused(tmp_path):
    write_binary(tmp_path)
    (tmp_path / "test_batch.bin").write_bytes(b"short")
    with pytest.raises(
        MsqError, match=r"test_batch\.bin: CIFAR-10 cannot be read \(cannot reshape"
    ):
        load(tmp_path)
    (tmp_path / "test_batch.bin").unlink()
    with pytest.raises(
        MsqError, match=r"test_batch\.bin: CIFAR-10 cannot be read \(.*No such file"
    ):
        load(tmp_path)


COLOURS = {"green": (0, 255, 0), "red": (255, 0, 0)}


@pytest.fixture
def folders(tmp_path):
    """Images of one colour with a white frame, which the middle leaves out."""
    for part, number in (("train", 3), ("val", 1)):
        for name, colour in COLOURS.items():
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(number):
                image = Image.new("RGB", (320, 256), "white")
                image.paste(colour, (10, 10, 310, 246))
                image.save(tmp_path / part / name / f"{i}.png")
    return tmp_path


def test_folders_are_read_as_they_are_asked_for(folders):
    split, recipe = load(folders)
    assert split.y_train.tolist() == [0, 0, 0, 1, 1, 1]
    assert split.y_test.tolist() == [0, 1]
    assert len(split.x_train) == 6
    for batch in (split.x_train[torch.tensor([4, 0])], split.x_train[3:5], split.x_test[:1]):
        assert batch.shape[1:] == (3, 224, 224)
    first = split.x_train[torch.tensor([4, 0])] * 0.25 + 0.45
    assert torch.allclose(first.amin((2, 3)), torch.tensor([[1.0, 0, 0], [0, 1, 0]]), atol=1e-6)
    assert torch.allclose(first.amax((2, 3)), first.amin((2, 3)))
    assert recipe.make(None)[-1].weight.shape == (2, 512)
    (folders / "train" / "red" / "1.png").write_bytes(b"no image")
    with pytest.raises(MsqError, match=r"1\.png: not an image that can be read"):
        split.x_train[4:5]


def test_folders_train_a_network(folders):
    split, _ = load(folders)
    torch.manual_seed(0)
    means = torch.nn.Sequential(
        torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 2)
    )
    train(means, split.x_train, split.y_train, 20, batch_size=6, lr=0.1, augment=shift_and_flip)
    assert accuracy(means, split.x_test, split.y_test) == 1


def test_what_is_neither_is_refused(tmp_path, folders):
    with pytest.raises(MsqError, match="neither CIFAR-10"):
        load(tmp_path / "nowhere")
    (folders / "val" / "red" / "0.png").unlink()
    with pytest.raises(MsqError, match=r"val/red: no images of this class"):
        load(folders)


def test_shift_by_many_pixels_keeps_what_stays_inside():
    x = torch.rand(50, 2, 8, 8)
    moved = shift(x, torch.Generator().manual_seed(0), by=2)
    assert torch.isin(moved[moved != 0], x).all()
    assert (moved != x).flatten(1).any(1).sum() > 40
    # The four pixels in the middle stay inside wherever they go.
    for image, other in zip(x[:, 0, 3:5, 3:5], moved[:, 0], strict=True):
        assert torch.isin(image, other).all()


def test_every_other_image_is_mirrored():
    x = torch.arange(8.0).expand(400, 1, 8, 8)
    moved = shift_and_flip(x, torch.Generator().manual_seed(0))
    rising = moved[:, 0, 4, 3] < moved[:, 0, 4, 4]
    assert 160 < rising.sum() < 240
