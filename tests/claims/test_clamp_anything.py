"""The asker of `clamp_anything`: what it reads is what a net's own energy says."""

import jax.numpy as jnp
import numpy as np

from sodachi.claims import clamp_anything, clamped_images
from sodachi.claims.asking import CLASSES, Asker
from sodachi.models import settling_net

NET = settling_net(
    layers=(6, 10), direction="down", start="feedforward", settle_ticks=200, rate=0.1
)


def newborn(seed=0):
    """A net in which every label predicts an image of its own."""
    shared = NET.init(seed).shared
    images = np.random.default_rng(seed).normal(size=(CLASSES, 6)).astype(np.float32)
    weights = shared["weights"] | {"label>input": jnp.asarray(images)}
    return shared | {"weights": weights}, images


def test_least_tense_label_is_the_nearest_prediction():
    """With one layer the tension is ½|x − w_k|²: the label is the nearest w_k."""
    shared, images = newborn()
    x = images[[3, 7, 1]] + 0.01
    answer = Asker(NET, shared, batch=2).try_labels(x, np.full(x.shape, np.inf))
    assert answer.label.tolist() == [3, 7, 1]
    np.testing.assert_allclose(answer.tension, 0.5 * 6 * 0.01**2, rtol=1e-3)
    np.testing.assert_allclose(answer.image, images[[3, 7, 1]], rtol=1e-5)


def test_unknown_pixels_cost_nothing_and_noisy_ones_are_springs_in_series():
    """A free pixel stands on its platform; precision p in series with 1 leaves p/(1 + p) of it."""
    shared, images = newborn()
    x = images[[4]].copy()
    x[0, 0] += 1.0
    precision = np.full((1, 6), 3.0)
    precision[0, 3:] = 0.0
    answer = Asker(NET, shared, batch=1).ask(x, precision, [4])
    np.testing.assert_allclose(answer.tension, 0.5 * 3 / 4, rtol=1e-3)


def test_a_newborn_hidden_cell_hears_one_label():
    """Its platform is +gate under one label and −gate under the nine others."""
    net = clamp_anything.make_net("both")
    weights = clamp_anything.wired(net.init(0)).shared["weights"]
    platform = np.asarray(weights["label>hidden1"] + weights["1>hidden1"])
    assert np.unique(np.abs(platform)).tolist() == [clamp_anything.GATE]
    assert ((platform > 0).sum(0) == 1).all()


def test_both_orders_of_the_sweep_share_their_weights():
    """What is learned downward first is read upward first without renaming."""
    down, up = (clamp_anything.make_net(d).init(0).shared for d in ("both", "both, read upward"))
    assert down["weights"].keys() == up["weights"].keys()
    assert all(down["weights"][k].shape == up["weights"][k].shape for k in up["weights"])


def test_error_counts_only_what_was_hidden():
    """Pixels outside the mask do not matter; images are clipped first."""
    truth = np.zeros((1, 4))
    image = np.array([[2.0, 9.0, 0.5, -3.0]])
    counted = np.array([[True, False, True, True]])
    assert clamped_images.pixel_error(image, truth, counted) == (1.0 + 0.25) / 3
