"""Data: the shipped MNIST, IDX files, downsampling, synthetic problems."""

import gzip
import hashlib
import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest

from spinscape import networks as nn
from spinscape.networks import data as datasets


def test_shipped_mnist_is_whole_and_licensed():
    data = nn.load_mnist10()
    assert data.train_inputs.shape == (60_000, 100)
    assert data.test_inputs.shape == (10_000, 100)
    assert data.train_inputs.min() == 0.0
    assert data.train_inputs.max() == 1.0
    assert np.bincount(data.train_targets).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.test_targets).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    folder = files("spinscape.networks.data")
    assert "CC BY-SA 3.0" in folder.joinpath("LICENSE.mnist10").read_text()
    assert datasets.MNIST_SHA256["train-images-idx3-ubyte"] in folder.joinpath("PROVENANCE.md").read_text()


def test_data_need_no_torch():
    code = (
        "import sys, spinscape; from spinscape import networks as nn\n"
        "nn.load_mnist10().subset(5, 5, rng=0); nn.teacher_student(nn.Architecture((2, 3, 1)), 4, 4, rng=0)\n"
        "assert 'torch' not in sys.modules and 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_subsets_are_random_and_reproducible():
    data = nn.load_mnist10()
    part = data.subset(100, 50, rng=3)
    again = data.subset(100, 50, rng=3)
    assert np.array_equal(part.train_inputs, again.train_inputs)
    assert not np.array_equal(part.test_targets, data.test_targets[:50])
    rows = {row.tobytes() for row in data.test_inputs}
    assert all(row.tobytes() in rows for row in part.test_inputs)
    odd = part.binary([1, 3, 5, 7, 9])
    assert np.array_equal(odd.train_targets, np.where(part.train_targets % 2, 1.0, -1.0))
    with pytest.raises(ValueError, match="train: expected an integer from 1 to 60000"):
        data.subset(60_001)


def idx(array):
    code = {"uint8": 8, "int32": 0x0C, "float64": 0x0E}[str(array.dtype)]
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, code, array.ndim]) + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float64"])
def test_idx_files_round_trip(tmp_path, dtype):
    array = np.arange(24, dtype=dtype).reshape(2, 3, 4)
    content = idx(array)
    (tmp_path / "a").write_bytes(content)
    (tmp_path / "a.gz").write_bytes(gzip.compress(content))
    digest = hashlib.sha256(content).hexdigest()
    for name in ("a", "a.gz"):
        assert np.array_equal(nn.read_idx(tmp_path / name, digest), array)
    with pytest.raises(ValueError, match=r"a: expected SHA-256 0{64}, got"):
        nn.read_idx(tmp_path / "a", "0" * 64)
    (tmp_path / "short").write_bytes(content[:-1])
    with pytest.raises(ValueError, match="expected 24 numbers"):
        nn.read_idx(tmp_path / "short")
    (tmp_path / "other").write_bytes(b"PNG")
    with pytest.raises(ValueError, match="expected an IDX file"):
        nn.read_idx(tmp_path / "other")


def test_mnist_from_files(tmp_path):
    images = np.random.default_rng(0).integers(256, size=(6, 28, 28)).astype(np.uint8)
    labels = np.arange(6, dtype=np.uint8)
    for prefix in ("train", "t10k"):
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(idx(images))
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(labels))
    with pytest.raises(ValueError, match="train-images-idx3-ubyte: expected SHA-256"):
        nn.read_mnist(tmp_path)
    data = nn.read_mnist(tmp_path, verify=False)
    assert np.array_equal(data.train_targets, labels)
    expected = np.round(nn.downsample(images, 10)).reshape(6, 100) / 255
    np.testing.assert_allclose(data.train_inputs, expected, atol=1e-7)
    with pytest.raises(ValueError, match="folder: expected train-images"):
        nn.read_mnist(tmp_path / "nowhere")


def test_downsampling_against_oversampled_pixels():
    """Oracle: every pixel repeated 10 times, so that boxes of 28 subpixels average exactly."""
    images = np.random.default_rng(1).random((3, 28, 28))
    fine = images.repeat(10, axis=1).repeat(10, axis=2)
    boxes = fine.reshape(3, 10, 28, 10, 28).mean(axis=(2, 4))
    np.testing.assert_allclose(nn.downsample(images, 10), boxes, atol=1e-13)
    np.testing.assert_allclose(nn.downsample(images, 10, "crop"), images[:, 9:19, 9:19])
    ramp = np.add.outer(np.arange(28.0), 2 * np.arange(28.0))[None]  # linear interpolation is exact on it
    centres = (np.arange(10) + 0.5) * 2.8 - 0.5
    np.testing.assert_allclose(nn.downsample(ramp, 10, "bilinear")[0], np.add.outer(centres, 2 * centres), atol=1e-12)


def test_synthetic_problems():
    blobs = nn.gaussian_blobs(20, 4, 4000, rng=0, separation=6)
    assert blobs.train_inputs.shape == (4000, 20)
    assert blobs.classes == 4
    means = np.array([blobs.train_inputs[blobs.train_targets == k].mean(axis=0) for k in range(4)])
    nearest = ((blobs.test_inputs[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert np.mean(nearest == blobs.test_targets) > 0.95
    spread = [blobs.train_inputs[blobs.train_targets == k].std(axis=0).mean() for k in range(4)]
    assert np.allclose(spread, 1.0, atol=0.03)

    xor = nn.gaussian_mixture([[1, 1], [-1, -1], [1, -1], [-1, 1]], [0, 0, 1, 1], 500, sd=0.1, rng=1)
    assert np.array_equal(xor.train_targets == 0, xor.train_inputs[:, 0] * xor.train_inputs[:, 1] > 0)

    teacher = nn.Architecture((5, 3, 1), init="gaussian")
    data = nn.teacher_student(teacher, 50, 20, rng=2)
    assert data.classes == 1
    weights = teacher.initial(1, rng=datasets.synthetic.child_seeds(2, 2)[0])[0]
    np.testing.assert_allclose(teacher.outputs_of(weights, data.train_inputs)[:, 0], data.train_targets)


def test_data_are_checked():
    good = np.zeros((3, 2))
    with pytest.raises(ValueError, match="test_inputs: expected as many inputs"):
        nn.Data(good, [0, 1, 0], np.zeros((2, 3)), [0, 1], 2)
    with pytest.raises(ValueError, match="train_targets: expected classes from 0 to 1"):
        nn.Data(good, [0, 1, 2], good, [0, 1, 0], 2)
    with pytest.raises(TypeError, match="train_targets: expected integer classes"):
        nn.Data(good, [0.5, 1, 2], good, [0, 1, 0], 2)
    with pytest.raises(ValueError, match=r"train_targets: expected shape \(3,\)"):
        nn.Data(good, [0, 1], good, [0, 1, 0], 2)
