"""The one table of data sets: where each comes from, what its bytes are, whose it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class File:
    """One file of a data set.

    ``sha256`` and ``size`` are those of the content, for a ``.gz`` of what is inside it: the same
    data is packed by different hands with different headers. Without a ``url`` the file is never
    downloaded.
    """

    name: str
    sha256: str
    size: int
    url: str = ""


@dataclass(frozen=True)
class Part:
    """Images and labels of one subset, as one packing holds them (keys for ``.npz`` files)."""

    images: File
    labels: File
    images_key: str = ""
    labels_key: str = ""

    @property
    def files(self) -> tuple[File, ...]:
        """The files to have, each once."""
        return tuple(dict.fromkeys((self.images, self.labels)))


@dataclass(frozen=True)
class DataSet:
    """A data set with its licence; of each subset, the packings that hold the same rows.

    The first packing whose files are present is read; otherwise the last is downloaded.
    """

    name: str
    licence: str
    citation: str
    homepage: str
    subsets: dict[str, tuple[Part, ...]]


def _idx(base: str, kind: str, images: str, labels: str, n: int) -> Part:
    """Return the four-file packing of MNIST and its kin: ``n`` images of 28 x 28 bytes."""
    names = f"{kind}-images-idx3-ubyte.gz", f"{kind}-labels-idx1-ubyte.gz"
    return Part(
        File(names[0], images, 16 + n * 784, base + names[0]),
        File(names[1], labels, 8 + n, base + names[1]),
    )


_MNIST_NPZ = File(
    "mnist.npz", "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64", 11490519
)
_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_FASHION = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"
_KMNIST = "https://codh.rois.ac.jp/kmnist/dataset/kmnist/"
_KMNIST_TRAIN = File(
    "kmnist_train_first7010.npz",
    "47489b6b499be08c07d0848350f45179812113369433939d811f7fdfe6e48566",
    2148585,
)

DATA_SETS: dict[str, DataSet] = {
    "mnist": DataSet(
        name="mnist",
        licence="CC BY-SA 3.0",
        citation="LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document "
        "recognition, Proceedings of the IEEE 86 (1998)",
        homepage="http://yann.lecun.com/exdb/mnist/",
        subsets={
            "train": (
                Part(_MNIST_NPZ, _MNIST_NPZ, "x_train", "y_train"),
                _idx(
                    _MNIST,
                    "train",
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                    60000,
                ),
            ),
            "test": (
                Part(_MNIST_NPZ, _MNIST_NPZ, "x_test", "y_test"),
                _idx(
                    _MNIST,
                    "t10k",
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                    10000,
                ),
            ),
        },
    ),
    "fashion-mnist": DataSet(
        name="fashion-mnist",
        licence="MIT",
        citation="Xiao, Rasul & Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking "
        "machine learning algorithms, arXiv:1708.07747 (2017)",
        homepage="https://github.com/zalandoresearch/fashion-mnist",
        subsets={
            "train": (
                _idx(
                    _FASHION,
                    "train",
                    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                    60000,
                ),
            ),
            "test": (
                _idx(
                    _FASHION,
                    "t10k",
                    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                    10000,
                ),
            ),
        },
    ),
    "kmnist": DataSet(
        name="kmnist",
        licence="CC BY-SA 4.0",
        citation="Clanuwat, Bober-Irizar, Kitamoto, Lamb, Yamamoto & Ha, Deep learning for "
        "classical Japanese literature, arXiv:1812.01718 (2018); KMNIST dataset (created by "
        "CODH), adapted from Kuzushiji dataset (created by NIJL and others), "
        "doi:10.20676/00000341",
        homepage="https://github.com/rois-codh/kmnist",
        subsets={
            # The first 7,010 of the 60,000 training images: read where present, not downloaded.
            "train": (Part(_KMNIST_TRAIN, _KMNIST_TRAIN, "x", "y"),),
            "test": (
                Part(
                    File(
                        "kmnist-test-imgs.npz",
                        "692d824896bec8f3c357ebf7a0fe904ed67ac632ce953d0b58f7fbef7bb27d87",
                        3079479,
                        _KMNIST + "kmnist-test-imgs.npz",
                    ),
                    File(
                        "kmnist-test-labels.npz",
                        "660f13a4705431ea2a6391c41ecbe384cd0d932c595a101ec4f3b8989e785046",
                        5304,
                        _KMNIST + "kmnist-test-labels.npz",
                    ),
                    "arr_0",
                    "arr_0",
                ),
            ),
        },
    ),
}
