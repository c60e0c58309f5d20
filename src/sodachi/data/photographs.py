"""Photographs that come with a library which is there anyway: nothing is downloaded."""

from __future__ import annotations

import numpy as np

from sodachi.errors import DataError


def load_photographs() -> dict[str, np.ndarray]:
    """Return scikit-learn's two sample photographs in grey, by name: float32 [427, 640] in [0, 1].

    The mean of red, green and blue. Decoding needs Pillow, which is not a dependency. By
    danielbuechele and vultilion, CC BY 2.0, as the package says.

    Raises
    ------
    DataError
        No Pillow.

    Examples
    --------
    >>> {name: x.shape for name, x in load_photographs().items()}
    {'china.jpg': (427, 640), 'flower.jpg': (427, 640)}
    """
    from sklearn.datasets import load_sample_images

    try:
        embedded = load_sample_images()
    except ImportError as error:
        words = "Pillow, to decode JPEG: pip install pillow"
        raise DataError("photographs", words, error) from error
    names = (str(name).replace("\\", "/").split("/")[-1] for name in embedded.filenames)
    grey = (np.asarray(x, np.float32).mean(-1) / np.float32(255) for x in embedded.images)
    return dict(zip(names, grey, strict=True))
