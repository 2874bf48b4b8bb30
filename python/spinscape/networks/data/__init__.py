"""Data for networks: MNIST at 10x10, files of your own, synthetic problems; numpy only."""

from spinscape.networks.data.dataset import Data
from spinscape.networks.data.images import area_average, bilinear, crop, downsample
from spinscape.networks.data.mnist import MNIST_SHA256, load_mnist10, read_idx, read_mnist
from spinscape.networks.data.synthetic import gaussian_blobs, gaussian_mixture, teacher_student

__all__ = [
    "MNIST_SHA256",
    "Data",
    "area_average",
    "bilinear",
    "crop",
    "downsample",
    "gaussian_blobs",
    "gaussian_mixture",
    "load_mnist10",
    "read_idx",
    "read_mnist",
    "teacher_student",
]
