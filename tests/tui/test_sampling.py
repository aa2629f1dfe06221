"""What the Sample pane keeps, without a screen."""

import json
import shlex

from workbench.analyses import find, sample
from workbench.population import load
from workbench.tui.commands import command_line
from workbench.tui.sampling import COUNT, SampleState, Trained, following, training_form


def test_an_unfinished_training_is_gone_on_with(population, nothing_trained):
    state = SampleState()
    assert training_form(population, state) == {
        "population": str(population.path), "generator": "functional", "seed": "0",
    }  # fmt: skip
    for name, trained_on in (("other", "another"), ("mine", population.content_hash)):
        folder = nothing_trained / f"{name}.safetensors.training"
        folder.mkdir()
        plan = {"population": trained_on, "generator": "cartpolegen", "seed": 4, "settings": {"epochs": 3}}
        (folder / "plan.json").write_text(json.dumps(plan))
    (nothing_trained / "broken.safetensors.training").mkdir()
    assert training_form(population, state) == {
        "population": str(population.path), "generator": "cartpolegen", "seed": "4", "set": "epochs=3",
        "resume": "yes", "out": str(nothing_trained / "mine.safetensors"),
    }  # fmt: skip


def test_options_follow_each_other():
    assert following("abc", "a") == "b"
    assert following("abc", "c") == "a"
    assert following("abc", "x") == "a"


def test_the_command_line_has_what_is_not_default(population):
    plain = command_line(find("sample"), sample.Params(), population)
    assert plain == shlex.join(["agentemb-tui", "sample", str(population.path)])
    asked = sample.Params("a b.safetensors", "1-50", 7, seed=3)
    assert command_line(find("sample"), asked, load()) == (
        "agentemb-tui sample --generator 'a b.safetensors' --group 1-50 --count 7 --seed 3"
    )
    train_params = find("train").Params("p", set=("epochs=1", "latents=2"), resume=True)
    assert command_line(find("train"), train_params, None) == (
        "agentemb-tui train p --set epochs=1 --set latents=2 --resume"
    )


def test_a_group_that_a_generator_has_no_model_of_gives_way(tmp_path):
    state = SampleState(sample.Params(group="1-50", count=COUNT))
    state.take([Trained(tmp_path, "functional", "functional", ("51-100", "all"), 5, "p", True, 0)])
    assert state.params.group == "all"
