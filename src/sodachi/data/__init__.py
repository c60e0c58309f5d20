"""Data sets, each checked against its sha256 before anything reads it."""

from sodachi.data.cifar import load_cifar10
from sodachi.data.drifting import load_drifting, load_water_flow
from sodachi.data.images import load_digits, load_fashion_mnist, load_kmnist, load_mnist
from sodachi.data.photographs import load_photographs
from sodachi.data.series import load_sunspots
from sodachi.data.table import DATA_SETS, DataSet

__all__ = [
    "DATA_SETS",
    "DataSet",
    "load_cifar10",
    "load_digits",
    "load_drifting",
    "load_fashion_mnist",
    "load_kmnist",
    "load_mnist",
    "load_photographs",
    "load_sunspots",
    "load_water_flow",
]
