"""Data sets, each checked against its sha256 before anything reads it."""

from sodachi.data.cifar import load_cifar10
from sodachi.data.images import load_digits, load_fashion_mnist, load_kmnist, load_mnist
from sodachi.data.table import DATA_SETS, DataSet

__all__ = [
    "DATA_SETS",
    "DataSet",
    "load_cifar10",
    "load_digits",
    "load_fashion_mnist",
    "load_kmnist",
    "load_mnist",
]
