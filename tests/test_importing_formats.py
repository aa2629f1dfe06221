"""Importers against torch: the same weights, the same outputs, and what was assumed."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from foreign import actor_critic_state, dqn, flat, mlp, on_policy, saved, sb3, vecnormalize
from safetensors.numpy import save_file

from workbench.errors import WorkbenchError
from workbench.importing import formats, naming
from workbench.importing.reading import Overrides, read
from workbench.policies import forward
from workbench.rollouts import survival

PUBLISHED = Path(os.environ.get("AGENTEMB_SB3", Path(__file__).parents[2] / "shared" / "fixtures" / "sb3"))
"""Published agents of Stable-Baselines3, which are not part of this repository."""


def outputs(checkpoint, observations):
    return forward(checkpoint.weights, checkpoint.spec, observations)[0]


def same(checkpoint, module, rng, tolerance=1e-5):
    observations = rng.normal(size=(50, checkpoint.spec.sizes[0])).astype(np.float32)
    with torch.no_grad():
        expected = module(torch.from_numpy(observations)).numpy()
    np.testing.assert_allclose(outputs(checkpoint, observations), expected, atol=tolerance)


def open_(path, **overrides):
    return read(path.parent, path.name, Overrides(**overrides))


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("sizes", [(4, 2), (4, 16, 2), (6, 32, 16, 3)])
def test_on_policy_agents(sizes, shared, tmp_path, rng):
    module = mlp(sizes, "tanh")
    found = open_(sb3(tmp_path / "agent.zip", on_policy(module, shared)))
    assert found.spec.sizes == sizes
    assert found.spec.env == {4: "CartPole-v1", 6: "Acrobot-v1"}[sizes[0]]
    assert found.spec.activation == ("tanh" if len(sizes) > 2 else "identity")
    assert np.array_equal(found.weights[0], flat(module))
    same(found, module, rng)
    assert found.columns == {"num_timesteps": 5000, "gamma": 0.99}


@pytest.mark.parametrize("rate", [0, 0.0, 0.0007])
def test_a_rate_at_which_nothing_is_trained_is_none(rate, tmp_path):
    found = open_(sb3(tmp_path / "agent.zip", on_policy(mlp((4, 8, 2), "tanh")), {"learning_rate": rate}))
    assert found.columns.get("learning_rate") == (rate or None)
    assert found.columns["gamma"] == 0.99


@pytest.mark.parametrize("legacy", [False, True])
def test_dqn_agents(legacy, tmp_path, rng):
    module = mlp((4, 24, 24, 2))
    found = open_(sb3(tmp_path / "x.zip", dqn(module), _use_new_zipfile_serialization=not legacy))
    assert found.spec.activation == "relu"
    assert "activation relu (DQN's default)" in found.assumed
    same(found, module, rng)


@pytest.mark.parametrize("said", [None, 10])
def test_quantiles_are_averaged(said, tmp_path, rng):
    count = said or 200
    module = mlp((4, 8, 2 * count))
    data = {"n_quantiles": said} if said else {}
    found = open_(sb3(tmp_path / "x.zip", dqn(module, "quantile_net"), data))
    assert found.spec.sizes == (4, 8, 2)
    assert any(f"mean over {count} quantiles" in told for told in found.assumed)
    # As sb3_contrib.qrdqn has it: quantile_net(x).view(-1, n_quantiles, n_actions).mean(1).
    same(found, lambda x: module(x).view(-1, count, 2).mean(1), rng)


@pytest.mark.parametrize("name", ["action_net.weight", "action_net.0.weight"])
def test_linear_ars_agents(name, tmp_path, rng):
    module = torch.nn.Linear(4, 2, bias=False)
    found = open_(sb3(tmp_path / "x.zip", {name: module.weight.detach()}))
    assert (found.spec.sizes, found.spec.bias, found.weights.shape) == ((4, 2), False, (1, 8))
    same(found, module, rng)


def test_an_activation_that_the_file_tells_is_not_assumed(tmp_path, rng):
    module = mlp((4, 8, 2), "elu")
    told = {":type:": "x", "activation_fn": "<class 'torch.nn.modules.activation.ELU'>"}
    path = sb3(tmp_path / "x.zip", on_policy(module), {"policy_kwargs": told})
    found = open_(path)
    same(found, module, rng)
    assert not any("activation" in word for word in found.assumed)
    assert open_(path, activation="tanh").spec.activation == "tanh"
    told["activation_fn"] = "<class 'torch.nn.modules.activation.GELU'>"
    with pytest.raises(WorkbenchError, match="activation GELU, which is not played here"):
        open_(sb3(tmp_path / "y.zip", on_policy(module), {"policy_kwargs": told}))


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published agents are not here")
@pytest.mark.parametrize("name", ["a2c", "ars", "dqn"])
def test_published_agents_balance_as_long_as_they_may(name):
    found = read(PUBLISHED, f"{name}-CartPole-v1.zip", Overrides())
    for cap in (200, 500):
        assert (survival(found.weights, found.spec, 100, cap) == cap).all()


class Attributes(torch.nn.Module):
    """Layers as attributes, a shared trunk and two heads."""

    def __init__(self):
        super().__init__()
        self.affine1, self.affine2 = torch.nn.Linear(4, 8), torch.nn.Linear(8, 8)
        self.action_head, self.value_head = torch.nn.Linear(8, 2), torch.nn.Linear(8, 1)

    def forward(self, x):
        return self.action_head(torch.relu(self.affine2(torch.relu(self.affine1(x)))))


def test_state_dicts_of_every_shape(tmp_path, rng):
    module = mlp((4, 12, 2))
    state = module.state_dict()
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    state = module.state_dict()
    cases = {
        "plain.pt": saved(state),
        "legacy.pth": saved(state, _use_new_zipfile_serialization=False),
        "old_protocol.pt": saved(state, pickle_protocol=4),
        "agent.cleanrl_model": saved({f"network.{k}": v for k, v in state.items()}),
        "parallel.pt": saved({f"module.{k}": v for k, v in state.items()}),
        "compiled.pt": saved({f"_orig_mod.{k}": v for k, v in state.items()}),
        "parameters.pt": saved(dict(module.named_parameters())),
        "nested.ckpt": saved({"epoch": 7, "model_state_dict": state, "optimizer": optimizer.state_dict()}),
        "deeper.pt": saved({"agent": {"state_dict": state}}),
        "turned.pt": saved({k: v.t().contiguous().t() if v.ndim == 2 else v for k, v in state.items()}),
        "sliced.pt": saved({k: torch.cat([v, v])[len(v) :] for k, v in state.items()}),
    }
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
        found = open_(tmp_path / name)
        assert np.array_equal(found.weights[0], flat(module)), name
        same(found, module, rng)
    found = open_(tmp_path / "nested.ckpt")
    assert found.columns == {"epoch": 7}
    assert "the state dict under 'model_state_dict'" in found.assumed


@pytest.mark.parametrize(
    ("dtype", "exact"), [(torch.float64, 1e-6), (torch.float16, 1e-6), (torch.bfloat16, 1e-6), (torch.float32, 0)]
)
def test_kinds_of_numbers(dtype, exact, tmp_path):
    state = {k: v.to(dtype) for k, v in mlp((4, 6, 2)).state_dict().items()}
    (tmp_path / "x.pt").write_bytes(saved(state))
    expected = np.concatenate([v.float().numpy().ravel() for v in state.values()])
    np.testing.assert_allclose(open_(tmp_path / "x.pt").weights[0], expected, atol=exact)


def test_the_actor_is_taken_and_the_critic_left(tmp_path, rng):
    actor = mlp((4, 16, 2), "tanh")
    (tmp_path / "ppo.cleanrl_model").write_bytes(saved(actor_critic_state((4, 16, 2))))
    found = open_(tmp_path / "ppo.cleanrl_model")
    same(found, actor, rng)
    assert "activation tanh (an actor beside a critic)" in found.assumed
    assert "network actor.0, actor.2, critic.0, critic.2 left out" in found.assumed
    assert open_(tmp_path / "ppo.cleanrl_model", network="critic").spec.sizes == (4, 16, 1)


def test_a_trunk_with_two_heads(tmp_path, rng):
    module = Attributes()
    (tmp_path / "ac.pt").write_bytes(saved(module.state_dict()))
    same(open_(tmp_path / "ac.pt"), module, rng)


def test_several_networks_are_told_apart_by_name(tmp_path):
    a, b = mlp((4, 8, 2)), mlp((4, 6, 2), seed=1)
    state = {f"policy_net.{k}": v for k, v in a.state_dict().items()} | {
        f"model.{k}": v for k, v in b.state_dict().items()
    }
    (tmp_path / "x.pt").write_bytes(saved(state))
    assert np.array_equal(open_(tmp_path / "x.pt").weights[0], flat(a))
    assert np.array_equal(open_(tmp_path / "x.pt", network="model").weights[0], flat(b))
    (tmp_path / "y.pt").write_bytes(saved({f"one.{k}": v for k, v in state.items()}))
    assert open_(tmp_path / "y.pt", network="one.model").spec.sizes == (4, 6, 2)


def test_safetensors_and_arrays(tmp_path, rng):
    module = mlp((4, 12, 2))
    state = {k: v.numpy() for k, v in module.state_dict().items()}
    save_file(state, tmp_path / "x.safetensors")
    np.savez(tmp_path / "torch.npz", **state)
    w1, b1, w2, b2 = state.values()
    np.savez(tmp_path / "keras.npz", W1=w1.T, b1=b1, W2=w2.T, b2=b2)
    np.savez(tmp_path / "kernels.npz", **{"d0/kernel": w1.T, "d1/kernel": w2.T, "d0/bias": b1, "d1/bias": b2})
    np.savez_compressed(tmp_path / "positions.npz", w1, b1, w2, b2)
    for name in ("x.safetensors", "torch.npz", "keras.npz", "kernels.npz", "positions.npz"):
        found = open_(tmp_path / name)
        assert np.array_equal(found.weights[0], flat(module)), name
        same(found, module, rng)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize(("shape", "bias"), [((58,), True), ((7, 58), True), ((3, 48), False)])
def test_flat_vectors(kind, shape, bias, tmp_path, rng):
    weights = rng.normal(size=shape).astype(kind)
    np.save(tmp_path / "x.npy", weights)
    np.savez(tmp_path / "x.npz", population=weights, fitness=np.arange(len(weights)))
    for name in ("x.npy", "x.npz"):
        found = open_(tmp_path / name, sizes="4-8-2", activation="tanh")
        assert (found.spec.sizes, found.spec.bias, found.spec.activation) == ((4, 8, 2), bias, "tanh")
        assert np.array_equal(found.weights, np.atleast_2d(weights).astype(np.float32))
    fortran = np.asfortranarray(np.atleast_2d(weights))
    np.save(tmp_path / "f.npy", fortran)
    assert np.array_equal(open_(tmp_path / "f.npy", sizes="4,8,2").weights, fortran.astype(np.float32))


def test_a_missing_bias_is_zero(tmp_path, rng):
    module = mlp((4, 6, 2))
    state = {k: v for k, v in module.state_dict().items() if k != "0.bias"}
    (tmp_path / "x.pt").write_bytes(saved(state))
    module[0].bias.data[:] = 0
    same(open_(tmp_path / "x.pt"), module, rng)


REFUSED = {
    "module.pt": (lambda: saved(mlp((4, 2))), "its pickle holds an object of torch.nn.modules.container.Sequential"),
    "conv.pt": (lambda: saved(torch.nn.Conv2d(1, 2, 3).state_dict()), "no state dict in it"),
    "cnn.pt": (
        lambda: saved({**mlp((4, 2)).state_dict(), "c.weight": torch.zeros(2, 1, 3, 3)}),
        "convolutions, which are not played here",
    ),
    "lstm.pt": (lambda: saved(torch.nn.LSTM(4, 2).state_dict()), "recurrent layers, which are not played here"),
    "norm.pt": (
        lambda: saved({**mlp((4, 2)).state_dict(), "n.weight": torch.ones(4)}),
        "normalising layers, which are not played here",
    ),
    "number.pt": (lambda: saved({"a": 3}), "no state dict in it"),
    "sac.cleanrl_model": (
        lambda: saved(
            {"fc1.weight": torch.zeros(8, 3), "fc_mean.weight": torch.zeros(1, 8), "action_scale": torch.ones(1)}
        ),
        "an actor that squashes its actions (action_scale)",
    ),
    "c51.cleanrl_model": (
        lambda: saved({"atoms": torch.zeros(51), "network.0.weight": torch.zeros(102, 4)}),
        "a categorical value network",
    ),
    "unclear.pt": (
        lambda: saved({"a.0.weight": torch.zeros(8, 4), "b.0.weight": torch.zeros(2, 4)}),
        "it cannot be told which layers are the policy's: a.0, b.0; --network says it",
    ),
    "jax.cleanrl_model": (lambda: b"\x92\x8a\xa6params" + bytes(40), "a JAX model (msgpack), which is not read here"),
    "text.pt": (lambda: b"hello world", "not a file of torch.save"),
    "empty.pt": (lambda: b"", "not a file of torch.save"),
    "int.pt": (
        lambda: saved({"0.weight": torch.zeros(2, 4, dtype=torch.int64)}),
        "layers of int64 numbers",
    ),
    "vectors.npy": (lambda: npy(np.zeros((5, 58), np.float32)), "neither named layers nor flat vectors"),
    "words.npy": (lambda: npy(np.array(["a", "b"])), "an array of <U1, not of numbers"),
    "nothing.zip": (lambda: saved(mlp((4, 2)).state_dict()), "no `policy.pth` in the archive"),
    "sb3.zip": (lambda: b"PK\x03\x04nothing", "a damaged zip archive"),
    "own.safetensors": (None, "a file of this program"),
    "model.weird": (lambda: b"hello", "neither a population nor a checkpoint (.bin, .ckpt, .cleanrl_model, "),
}


def npy(array):
    import io

    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read_is_told(name, tmp_path, population):
    make, message = REFUSED[name]
    if make is None:
        population.select(np.arange(3)).save(tmp_path / name)
    else:
        (tmp_path / name).write_bytes(make())
    with pytest.raises(WorkbenchError, match=re.escape(message)):
        open_(tmp_path / name)


def test_scripts_are_refused(tmp_path):
    with pytest.warns(DeprecationWarning, match="jit"):
        torch.jit.script(mlp((4, 2))).save(str(tmp_path / "x.pt"))
    with pytest.raises(WorkbenchError, match=re.escape("holds a TorchScript module; save its state_dict() instead")):
        open_(tmp_path / "x.pt")


SB3_REFUSED = {
    "SAC, TD3": {"actor.mu.weight": torch.zeros(1, 8), "actor.latent_pi.0.weight": torch.zeros(8, 3)},
    "recurrent layers": {**on_policy(mlp((4, 8, 2))), "lstm_actor.weight_ih_l0": torch.zeros(8, 4)},
    "convolutions": {**on_policy(mlp((4, 8, 2))), "features_extractor.cnn.0.weight": torch.zeros(2, 1, 3, 3)},
    "no policy network that is known here (encoder)": {"encoder.weight": torch.zeros(2, 2)},
    "42 outputs, which are not a multiple of 200 quantiles": dqn(mlp((4, 42)), "quantile_net"),
    "no dense layers": {"log_std": torch.zeros(2)},
}


@pytest.mark.parametrize("message", SB3_REFUSED)
def test_agents_that_are_not_played_are_told(message, tmp_path):
    with pytest.raises(WorkbenchError, match=re.escape(message)):
        open_(sb3(tmp_path / "x.zip", SB3_REFUSED[message]))


def test_an_ars_policy_that_squashes_is_told(tmp_path):
    state = {f"action_net.{k}": v for k, v in mlp((3, 8, 1)).state_dict().items()}
    box = {"action_space": {":type:": "<class 'gymnasium.spaces.box.Box'>", ":serialized:": ""}}
    with pytest.raises(WorkbenchError, match="an ARS policy that squashes its actions"):
        open_(sb3(tmp_path / "x.zip", state, box))


MEAN, VAR = [0.5, -1.0, 2.0, 0.1], [1.0, 4.0, 0.25, 2.0]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", ["vecnormalize.pkl", "CartPole-v1/vecnormalize.pkl", "m_vecnormalize_300_steps.pkl"])
def test_vecnormalize_beside_a_checkpoint(name, protocol, tmp_path, rng):
    module = mlp((4, 8, 2), "tanh")
    path = sb3(tmp_path / "m_300_steps.zip", on_policy(module))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(vecnormalize(MEAN, VAR, protocol))
    found = open_(path)
    assert any(Path(name).name in told for told in found.assumed)
    scale = np.sqrt(np.array(VAR) + 1e-8)
    # As VecNormalize.normalize_obs has it.
    same(found, lambda x: module(torch.clip((x - torch.tensor(MEAN)) / torch.tensor(scale).float(), -10, 10)), rng)
    folded = open_(path, fold=True)
    assert folded.spec.normaliser is None
    same(folded, lambda x: module((x - torch.tensor(MEAN)) / torch.tensor(scale).float()), rng, 1e-4)
    assert open_(path, normaliser="none").spec.normaliser is None


def test_folding_gives_biases_to_layers_without(tmp_path, rng):
    module = mlp((4, 8, 2), bias=False)
    (tmp_path / "x.pt").write_bytes(saved(module.state_dict()))
    (tmp_path / "n.json").write_text(json.dumps({"mean": MEAN, "std": np.sqrt(VAR).tolist()}))
    found = open_(tmp_path / "x.pt", normaliser=str(tmp_path / "n.json"), fold=True)
    assert found.spec.bias
    same(found, lambda x: module((x - torch.tensor(MEAN)) / torch.tensor(VAR).sqrt()), rng, 1e-4)


@pytest.mark.parametrize("spread", ["scale", "std", "var"])
def test_a_normaliser_by_hand(spread, tmp_path):
    (tmp_path / "x.pt").write_bytes(saved(mlp((4, 8, 2)).state_dict()))
    values = VAR if spread == "var" else np.sqrt(VAR).tolist()
    (tmp_path / "n.json").write_text(json.dumps({"mean": MEAN, spread: values, "clip": 5}))
    np.savez(tmp_path / "n.npz", mean=MEAN, clip=5.0, **{spread: values})
    for name in ("n.json", "n.npz"):
        found = open_(tmp_path / "x.pt", normaliser=str(tmp_path / name)).spec.normaliser
        assert found.mean == tuple(MEAN)
        assert found.clip == 5
        np.testing.assert_allclose(found.scale, np.sqrt(VAR))


def test_rewards_alone_are_no_normaliser(tmp_path):
    path = sb3(tmp_path / "x.zip", on_policy(mlp((4, 8, 2))))
    (tmp_path / "vecnormalize.pkl").write_bytes(vecnormalize(MEAN, VAR, norm_obs=False))
    found = open_(path)
    assert found.spec.normaliser is None
    assert "no normaliser (vecnormalize.pkl has rewards' alone)" in found.assumed


NORMALISERS = {
    "a.json": ('{"mean": [1, 2, 3, 4]}', "expected one of `scale`, `std` or `var`, got none"),
    "b.json": ("[1]", "expected `mean`, and one of"),
    "c.json": ('{"mean": [1, 2], "std": [1, 1]}', "the normaliser has 2 entries, the observation 4"),
    "d.json": ('{"mean": [1, 2], "std": [1, "x"]}', "no normaliser (could not convert string to float: 'x')"),
    "e.json": ('{"mean": [[1]], "std": [[1]]}', "mean and variance of shapes (1, 1) and (1, 1)"),
    "f.json": ('{"mean": [1, 2, 3, 4], "std": [1, 1, 1, 0]}', "scales finite and above 0"),
    "g.json": ('{"mean": [1], "std": [1], "var": [1]}', "got std, var"),
    "h.json": ('{"mean": [1], "std": [1], "more": 1}', "unknown entries more"),
    "i.json": ("{", "no normaliser (Expecting property name"),
    "j.txt": ("", "expected a file ending in .pkl, .json or .npz"),
    "k.pkl": ("junk", "a damaged pickle"),
    "l.npz": ("junk", "a damaged zip archive"),
    "none.pkl": (None, "no such file"),
}


@pytest.mark.parametrize("name", NORMALISERS)
def test_normalisers_that_cannot_be_are_told(name, tmp_path):
    text, message = NORMALISERS[name]
    (tmp_path / "x.pt").write_bytes(saved(mlp((4, 8, 2)).state_dict()))
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(WorkbenchError, match=re.escape(message)):
        open_(tmp_path / "x.pt", normaliser=str(tmp_path / name))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"activation": "gelu"}, "activation: expected identity, elu, relu, tanh, sigmoid, got 'gelu'"),
        ({"action": "random"}, "action: expected greedy or sampled, got 'random'"),
        ({"sizes": "4-x"}, "sizes: expected layer sizes as in 4-64-2, got '4-x'"),
        ({"sizes": "4"}, "sizes: expected layer sizes as in 4-64-2, got '4'"),
        ({"env_kwargs": ("gravity",)}, "env-kwargs: expected NAME=VALUE, got 'gravity'"),
        ({"env_kwargs": ("a=[1]",)}, "env-kwargs: expected a number, text, true, false or null for a"),
        ({"normaliser": "no/such.pkl"}, "no/such.pkl: no such file"),
    ],
)
def test_overrides_that_cannot_be_are_told(overrides, message):
    with pytest.raises(WorkbenchError, match=re.escape(message)):
        Overrides(**overrides).check()


def test_everything_assumed_can_be_said(tmp_path):
    (tmp_path / "x.pt").write_bytes(saved(mlp((6, 8, 3)).state_dict()))
    assert open_(tmp_path / "x.pt").spec.env == "Acrobot-v1"
    said = Overrides("elu", "sampled", "CartPole-v1", ("masspole=0.2", "kinematics_integrator=euler"), "none")
    found = read(tmp_path, "x.pt", said)
    spec = found.spec
    assert (spec.activation, spec.action, spec.env) == ("elu", "sampled", "CartPole-v1")
    assert dict(spec.env_kwargs) == {"masspole": 0.2, "kinematics_integrator": "euler"}
    assert found.assumed == ()


@pytest.mark.parametrize(
    ("path", "sizes", "env"),
    [
        ("dqn-CartPole-v1.zip", (4, 8, 2), "CartPole-v1"),
        ("runs/Acrobot-v1__ppo__1__1700000000/agent.pt", (6, 8, 3), "Acrobot-v1"),
        ("CartPole-v0/model.zip", (4, 2), "CartPole-v0"),
        ("CartPole-v1/model.zip", (6, 3), "Acrobot-v1"),
        ("My-Experiment-v2/model.zip", (4, 2), "CartPole-v1"),
        ("My-Experiment-v2/model.zip", (5, 2), "My-Experiment-v2"),
        ("ppo-MyPole-v0.zip", (4, 2), "MyPole-v0"),
        ("lunar.pt", (8, 4), "LunarLander-v3"),
        ("car.pt", (2, 1), "MountainCarContinuous-v0"),
        ("lower-v1.pt", (5, 9), ""),
    ],
)
def test_environments_by_name_and_shape(path, sizes, env):
    assert naming.environment(Path(path), sizes)[0] == env


@pytest.mark.parametrize(
    ("stem", "steps"),
    [
        ("rl_model_10000_steps", 10000), ("ckpt_500", 500), ("model-10k-steps", 10000), ("checkpoint-7", 7),
        ("1.5M_steps", 1.5e6), ("iter_00020", 20), ("best_model", None), ("dqn_17", None), ("x2steps", None),
    ],
)  # fmt: skip
def test_steps_by_name(stem, steps):
    assert naming.steps(stem) == steps


def test_formats_are_found_by_being_there():
    assert formats.names() == ["arrays", "stable_baselines3", "state_dict", "tensors"]
    assert {".zip", ".pt", ".pth", ".cleanrl_model", ".safetensors", ".npz", ".npy"} <= formats.suffixes()
