"""What policies are judged by: survival or return, its groups, and the same networks under other rules."""

import json

import gymnasium
import numpy as np
import pytest
from ruled import under

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.groups import CARTPOLE, Groups
from workbench.performance import RETURN, SURVIVAL, measure_of
from workbench.policies import PolicySpec, forward, initial
from workbench.population import Population, load
from workbench.rollouts import Episodes, rollout
from workbench.rollouts.play import performance
from workbench.rules import changed, options, parse

ONE = Compute("cpu", 1)
CAR = PolicySpec((2, 6, 3), "relu", env="MountainCar-v0")
ACROBOT = PolicySpec((6, 5, 3), "tanh", env="Acrobot-v1")


def test_survival_counts_where_every_step_is_worth_the_same():
    assert measure_of(PolicySpec.cartpole()) is SURVIVAL
    assert measure_of(PolicySpec((4, 1), env="InvertedPendulum-v5")) is SURVIVAL
    assert measure_of(ACROBOT) is measure_of(CAR) is RETURN


def test_returns_are_those_of_the_environment_itself():
    weights, episodes = initial(ACROBOT, 2, 3), Episodes(2, 60, 4)
    found = performance(weights, ACROBOT, episodes, ONE)
    for n in range(2):
        for e, seed in enumerate(episodes.seeds):
            env = gymnasium.make("Acrobot-v1", max_episode_steps=60)
            seen, _ = env.reset(seed=int(seed))
            total, over = 0.0, False
            while not over:
                action = int(forward(weights[n : n + 1], ACROBOT, seen[None].astype(np.float32))[0, 0].argmax())
                seen, reward, fell, cut, _ = env.step(action)
                total, over = total + float(reward), fell or cut
            assert found[n, e] == total


def test_survival_is_the_number_of_steps():
    spec = PolicySpec.cartpole()
    weights = initial(spec, 3, 0)
    played = rollout(weights, spec, Episodes(5), ONE)
    assert (performance(weights, spec, Episodes(5), ONE) == played.steps).all()


def test_groups_of_survival_are_the_papers_and_of_return_quarters(tmp_path):
    spec = PolicySpec.cartpole()
    assert Population(spec, initial(spec, 3, 0)).groups is CARTPOLE
    longer = Population(spec, initial(spec, 3, 0), {"survival": np.array([3.0, 200, 417])})
    assert longer.groups.names == (*CARTPOLE.names, "over 200")
    assert longer.groups.count(longer.performance).tolist() == [1, 0, 0, 1, 1]
    returns = np.arange(-200.0, 0)
    networks = Population(CAR, initial(CAR, 200, 0), {"return": returns})
    assert len(networks.groups) == 4 and (networks.groups.count(networks.performance) == 50).all()
    assert networks.groups.names[0] == "below -150" and networks.groups.names[-1].startswith("from ")
    same = Population(CAR, initial(CAR, 5, 0), {"return": np.full(5, -200.0)})
    assert same.groups.names == ("all measured",) and (same.groups.assign(same.performance) == 0).all()
    assert Population(CAR, initial(CAR, 5, 0)).groups.names == ("all measured",)
    # Most at the worst: the quarters that nobody lies below are not groups.
    many = Population(CAR, initial(CAR, 8, 0), {"return": np.array([-200.0] * 5 + [-150, -120, -100])})
    assert (many.groups.count(many.performance) > 0).all()


def test_given_edges_stay_with_the_file(tmp_path):
    spec = PolicySpec.cartpole()
    networks = Population(spec, initial(spec, 6, 0), {"survival": np.arange(6) * 30.0}, edges=(25.0, 100.0))
    plain = Population(spec, networks.weights, networks.columns)
    assert networks.content_hash != plain.content_hash
    again = networks.save(tmp_path / "p.safetensors")
    assert load(again.path).groups.names == ("below 25", "25 to 100", "from 100")
    assert again.groups.count(again.performance).tolist() == [1, 3, 2]
    with pytest.raises(WorkbenchError, match="groups: expected rising edges, got 2, 1"):
        Groups.between((2, 1))
    with pytest.raises(WorkbenchError, match="expected rising edges"):
        Groups.between((1, float("nan")))


def test_axes_reach_as_far_as_values_do():
    assert SURVIVAL.range(200, np.array([3.0, 50])) == (0.0, 200.0) and SURVIVAL.top(200) == 200
    low, high = RETURN.range(200, np.array([-100.0, np.nan, -50]))
    assert low < -100 and high > -50 and RETURN.top(200) == float("inf")
    assert RETURN.range(200, np.full(3, np.nan)) < RETURN.range(200, np.full(3, 5.0))


def test_other_rules_are_measured_anew():
    spec = PolicySpec.cartpole()
    networks = Population(
        spec, initial(spec, 8, 0), {"survival": np.full(8, 77.0), "lean_x": np.zeros(8), "lr": np.ones(8)}
    )
    assert under(networks) is networks and under(networks, "greedy") is networks
    sampled = under(networks, "sampled")
    assert sampled.spec.action == "sampled" and list(sampled.columns) == ["survival", "survival_se", "lr"]
    assert (sampled["survival"] == performance(networks.weights, sampled.spec, Episodes(), ONE).mean(1)).all()
    assert sampled.content_hash != networks.content_hash
    heavy = under(networks, env_kwargs=("masspole=2", "length=1.5"))
    assert dict(heavy.spec.env_kwargs) == {"masspole": 2, "length": 1.5}
    assert options(heavy) == ["--env-kwargs", "masspole=2", "--env-kwargs", "length=1.5"] and not options(networks)
    assert options(sampled) == ["--action", "sampled"]
    assert not changed(networks, "sampled").measured, "nothing is measured yet"


def test_other_rules_are_measured_as_long_as_the_own():
    spec = PolicySpec.cartpole()
    networks = Population(spec, initial(spec, 3, 0), {"survival": np.array([9.0, 350, 20])})
    light = under(networks, env_kwargs=("gravity=1",))
    assert networks.cap == light.cap == 500
    assert (light["survival"] == performance(networks.weights, light.spec, Episodes(cap=500), ONE).mean(1)).all()


@pytest.mark.parametrize(
    ("provenance", "cap"),
    [
        ({}, 200), ({"import": {"measured": {"cap": 500}}}, 500), ({"collection": {"episodes": {"cap": 1000}}}, 1000),
        ({"rules": {"cap": 300}, "import": {"measured": {"cap": 500}}}, 300), ({"cap": 700}, 700),
        ({"import": {"measured": None}}, 200), ({"import": [3], "collection": "x"}, 200), ({"cap": "500"}, 200),
        ({"cap": True}, 200), ({"cap": -5}, 200), ({"cap": 100}, 200),
    ],
)  # fmt: skip
def test_a_population_knows_by_which_cap_it_was_measured(provenance, cap):
    spec = PolicySpec.cartpole()
    networks = Population(spec, initial(spec, 2, 0), {"survival": np.array([9.0, 150])}, provenance)
    assert networks.cap == cap


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("masspole",), "env-kwargs: expected NAME=VALUE, got 'masspole'"),
        (("=3",), "expected NAME=VALUE"),
        (("a=1", "a=2"), "env-kwargs: a is given twice"),
    ],
)
def test_rules_that_cannot_be_read_are_told(words, told):
    with pytest.raises(WorkbenchError, match=told):
        parse(words)


def test_values_of_rules_are_json_or_text():
    assert parse(("a=1", "b=true", "c=semi-implicit", "d=1e-3")) == {"a": 1, "b": True, "c": "semi-implicit", "d": 1e-3}


def test_commands_take_rules(cli, tmp_path):
    spec = PolicySpec.cartpole()
    path = Population(spec, initial(spec, 4, 0)).save(tmp_path / "p.safetensors").path
    plain, heavy = (
        cli("survival", path, "--json", "--threads", 1, *more) for more in ((), ("--env-kwargs", "gravity=20"))
    )
    assert plain.code == heavy.code == 0 and json.loads(plain.out)["survival"] != json.loads(heavy.out)["survival"]
    assert not heavy.err, "progress is not for --json"
    said = cli("survival", path, "--env-kwargs", "lenth=1")
    assert said.code == 2 and "unknown arguments lenth; it has" in said.err
    said = cli("survival", path, "--action", "random")
    assert said.code == 2 and "action rule must be greedy or sampled" in said.err
