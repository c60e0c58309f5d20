"""The world moves as Gymnasium's does, changes when it should, and begins anew by itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.errors import SpecError
from sodachi.system import Evidence, Observation, build
from sodachi.worlds.cart_pole import LIMIT, NEAR, Setting, cart_pole, changing_cart_pole


def press(action):
    a = jax.nn.one_hot(action, 2)
    evidence = {"action": Evidence(a, jnp.full(2, jnp.inf), jnp.zeros(2))}
    return Observation(evidence, {}, jnp.asarray(True), jnp.asarray(False))


def lived(world, actions, seed=0, state=None):
    """Every tick's outputs for a list of actions, and the state at the end."""

    def one(state, action):
        return world.step(state, press(action))

    return jax.jit(lambda s, a: jax.lax.scan(one, s, a))(
        world.init(seed) if state is None else state, jnp.asarray(actions)
    )


ODD = Setting(force=13.0, gravity=8.0, length=0.8)


@pytest.mark.theory
@pytest.mark.parametrize("penalty", [False, True])
@pytest.mark.parametrize("setting", [Setting(), ODD], ids=["usual", "odd"])
def test_thousands_of_steps_are_those_of_gymnasium(setting, penalty):
    gymnasium = pytest.importorskip("gymnasium", reason="compares with Gymnasium's CartPole")
    rng = np.random.default_rng(0)
    # In bouts, so that episodes reach the walls and large angles too.
    actions = rng.integers(2, size=4000) if penalty else np.repeat(rng.integers(2, size=2000), 2)
    _, out = lived(cart_pole(settings=[setting], penalty=penalty), actions)
    out = jax.tree.map(np.asarray, out)
    env = gymnasium.make("CartPole-v1", sutton_barto_reward=penalty)
    env.reset(seed=0)
    cart: object = env.unwrapped
    cart.force_mag, cart.gravity, cart.length = setting[:3]
    cart.polemass_length = cart.masspole * cart.length
    for t, action in enumerate(actions):
        if out["first"][t]:
            assert np.abs(out["observation"][t]).max() <= NEAR
            env.reset()
        else:
            # Every transition from the very state that ours was in: no error adds up.
            cart.state = np.asarray(out["observation"][t - 1], np.float64)
            seen, reward, ended, _, _ = env.step(int(action))
            np.testing.assert_allclose(out["observation"][t], seen, rtol=2e-6, atol=2e-6)
            assert (out["reward"][t], bool(out["ended"][t, 0])) == (reward, ended)
    assert out["first"].sum() > 50


@pytest.mark.theory
def test_whole_episodes_are_those_of_gymnasium_in_double_precision():
    gymnasium = pytest.importorskip("gymnasium", reason="compares with Gymnasium's CartPole")
    with jax.enable_x64(True):
        world = cart_pole(dtype="float64")
        # Balancing by hand, so that an episode lasts until it is cut.
        state, step = world.init(3), jax.jit(world.step)
        env = gymnasium.make("CartPole-v1")
        env.reset(seed=0)
        state, out = step(state, press(0))
        env.unwrapped.state = np.asarray(out["observation"])
        for t in range(1, LIMIT + 1):
            x, speed, angle, turning = map(float, out["observation"])
            action = int(angle + 0.2 * turning + 0.02 * x + 0.05 * speed > 0)
            state, out = step(state, press(action))
            _, reward, ended, cut, _ = env.step(action)
            np.testing.assert_allclose(out["observation"], env.unwrapped.state, rtol=0, atol=1e-9)
            if t % 100 == 0:  # a pole that stands on its end magnifies the last digit for ever
                env.unwrapped.state = np.asarray(out["observation"])
            assert (float(out["reward"]), bool(out["ended"][0])) == (reward, ended)
            assert int(out["steps"]) == (t if cut or ended else 0)
        assert cut and not ended


@pytest.mark.unit
def test_settings_change_at_their_tick_and_return():
    world = cart_pole(settings=[Setting(), (10.0, 9.8, 0.5, True)], order=[0, 1, 1, 0], every=5)
    _, out = lived(world, [1] * 24)
    expected = np.repeat([0, 1, 1, 0, 0], 5)[:24]
    assert out["setting"].tolist() == expected.tolist()


@pytest.mark.unit
def test_inverted_actions_are_the_other_ones():
    usual, turned = Setting(), Setting(inverted=True)
    rng = np.random.default_rng(1)
    actions = rng.integers(2, size=200)
    _, one = lived(cart_pole(settings=[usual]), actions)
    _, other = lived(cart_pole(settings=[turned]), 1 - actions)
    np.testing.assert_array_equal(one["observation"], other["observation"])


@pytest.mark.unit
def test_a_changing_world_follows_from_its_seed_and_can_be_built_again():
    one, same, other = (changing_cart_pole(seed) for seed in (0, 0, 1))
    assert one.spec == same.spec != other.spec
    assert build(one.spec).spec == one.spec


@pytest.mark.unit
@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("settings", {"settings": []}),
        ("length", {"settings": [(10.0, 9.8, 0.0, False)]}),
        ("order", {"order": [1]}),
        ("order", {"order": []}),
        ("every", {"every": -1}),
    ],
)
def test_worlds_that_cannot_be_are_refused(name, bad):
    with pytest.raises(SpecError, match=name):
        cart_pole(**bad)
