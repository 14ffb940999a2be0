"""The list of systems, the verb that shows it, and answers from files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import tiny
from typer.testing import CliRunner

from vqinsight.baselines.catalog import SYSTEMS
from vqinsight.baselines.foreign.process import WORKERS
from vqinsight.baselines.foreign.recipes import RECIPES
from vqinsight.baselines.open import open_baseline
from vqinsight.baselines.published import Published, read_figures
from vqinsight.cli.main import app
from vqinsight.errors import ModelError, UsageError
from vqinsight.tasks.types import Missing, Preference

ROOT = Path(__file__).resolve().parents[2]


def test_every_system_says_what_it_is_and_only_those_with_code_claim_any():
    with_code = {name for name, system in SYSTEMS.items() if system.state != "published numbers only"}
    assert {name for name, system in SYSTEMS.items() if system.build is not None} == with_code
    assert {name for name, s in SYSTEMS.items() if s.state == "runs here"} == {"technical", "always_a", "nano"}
    for name, system in SYSTEMS.items():
        assert name == system.name
        assert all((system.title, system.licence, system.source, system.command, system.note))
    page = (ROOT / "docs" / "guides" / "models_and_baselines.md").read_text(encoding="utf-8")
    assert [name for name in SYSTEMS if f"`{name}`" not in page] == []
    extras = {system.extra for system in SYSTEMS.values() if system.extra}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert all(f"\n{extra} = [" in project for extra in extras)


@pytest.mark.parametrize("name", ["technical", "always_a", "nano"])
def test_what_runs_here_opens_and_names_itself(name):
    judge = open_baseline(name)
    assert judge.name == name
    assert set(judge.ranges) == set(SYSTEMS[name].dimensions)


def test_a_local_folder_opens_as_each_system_on_a_qwen(model, clips):
    for name in ("sft", "qwen2_5_vl", "q_insight", "vqascore", "level_words", "unifiedreward", "unifiedreward_think"):
        judge = open_baseline(name, model=str(model), device="cpu")
        assert judge.name == name
        assert judge.compare(*clips, "a cat") is not None
        assert set(judge.ranges) == set(SYSTEMS[name].dimensions)


def test_wrong_names_and_options():
    with pytest.raises(UsageError, match="Known: technical"):
        open_baseline("nothing")
    with pytest.raises(UsageError, match="predictions=FILE"):
        open_baseline("ugvq")
    with pytest.raises(UsageError, match="colour"):
        open_baseline("technical", colour="red")
    with pytest.raises(UsageError, match="colour"):
        open_baseline("qwen2_5_vl", colour="red")
    with pytest.raises(UsageError, match="colour"):
        open_baseline("vq_insight", colour="red")
    with pytest.raises(UsageError, match="folder"):
        open_baseline("videoreward")


def test_the_list_and_the_way_in_import_nothing_heavy():
    code = "import sys, vqinsight.baselines.open; sys.exit(any(m in sys.modules for m in ('torch', 'scipy')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_verb():
    runner = CliRunner()
    shown = runner.invoke(app, ["baselines"])
    assert shown.exit_code == 0
    for system in SYSTEMS.values():
        assert system.name in shown.output
    assert max(map(len, shown.output.splitlines())) <= 150
    rows = [json.loads(line) for line in runner.invoke(app, ["baselines", "--json"]).output.splitlines()]
    assert [row["name"] for row in rows] == list(SYSTEMS)
    assert set(rows[0]) == {
        *("name", "title", "state", "licence", "source", "extra", "command", "dimensions", "note"),
    }


def test_a_foreign_system_says_how_to_get_it_and_what_lacks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    script = runner.invoke(app, ["baselines", "q_align", "--recipe", "--baseline-option", "home=x"]).stdout
    assert "python3.11 -m venv x/env" in script
    assert "vqinsight baselines q_align --check --baseline-option home=x" in script
    checked = runner.invoke(app, ["baselines", "q_align", "--check"])
    assert checked.exit_code == 1
    assert checked.stdout.startswith("failed  no environment: systems/q_align/env/bin/python is no file.")
    assert runner.invoke(app, ["baselines", "technical", "--recipe"]).exit_code == 2
    with pytest.raises(ModelError, match="no environment"):
        open_baseline("q_align")
    for name in RECIPES:
        assert SYSTEMS[name].dimensions == RECIPES[name].dimensions


def test_published_scores(tmp_path):
    file = tmp_path / "ugvq.csv"
    file.write_text("path,spatial,temporal\nx/a.mp4,60,50\nx/b.mp4,40,\nx/c.mp4,70,60\ny/c.mp4,1,1\n")
    judge = open_baseline("ugvq", predictions=file)
    assert judge.name == "ugvq"
    assert judge.score("x/a.mp4") == {"spatial": 60, "temporal": 50}
    assert judge.score("/elsewhere/a.mp4") == {"spatial": 60, "temporal": 50}  # by its name, which one row has
    assert "no temporal" in judge.score("x/b.mp4").reason
    assert "2 rows" in judge.score("z/c.mp4").reason
    assert "no row" in judge.score("d.mp4").reason
    assert judge.compare("x/a.mp4", "x/c.mp4") == Preference("B")
    assert isinstance(judge.compare("x/a.mp4", "x/b.mp4"), Missing)


def test_published_choices(tmp_path):
    file = tmp_path / "pairs.csv"
    file.write_text("path_a,path_b,choice\na,b,Video A\nc,d,\ne,f,tie\n")
    judge = Published("videoscore", file)
    assert judge.compare("a", "b") == Preference("A")
    assert judge.compare("b", "a") == Preference("B")
    assert judge.compare("f", "e") == Preference("tie")
    assert isinstance(judge.compare("c", "d"), Missing)
    assert isinstance(judge.compare("a", "c"), Missing)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path\na.mp4\n", "wanted the columns"),
        ("path,quality\na,1\na,2\n", "twice"),
        ("path,quality\na,many\n", "no number"),
        ("path,quality\na,nan\n", "no number"),
        ("path_a,path_b,choice\na,b,perhaps\n", "no choice"),
        ("path_a,path_b,choice\na,b,A\na,b,B\n", "twice"),
    ],
)
def test_a_wrong_file_of_predictions_is_refused_with_its_line(tmp_path, text, said):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(UsageError, match=said):
        Published("ugvq", tmp_path / "x.csv")
    with pytest.raises(UsageError, match="cannot be read"):
        Published("ugvq", tmp_path / "none.csv")


def test_published_figures_name_their_source(tmp_path):
    file = tmp_path / "figures.csv"
    head = "system,benchmark,metric,value,source\n"
    file.write_text(head + "vq_insight,genai,tau,50.80,Table 1 of arXiv:2506.18564\n")
    (figure,) = read_figures(file)
    assert (figure.system, figure.value, figure.source) == ("vq_insight", 50.8, "Table 1 of arXiv:2506.18564")
    wrong = {"ugvq,x,srcc,0.8,": "source", "ugvq,x,srcc,high,a": "no number", "a,b,c,1,d\na,b,c,1,d": "twice"}
    for row, said in wrong.items():
        file.write_text(head + row + "\n")
        with pytest.raises(UsageError, match=said):
            read_figures(file)
    file.write_text("system\nx\n")
    with pytest.raises(UsageError, match="wanted"):
        read_figures(file)


def test_workers_import_nothing_of_ours():
    for worker in WORKERS.glob("*.py"):
        assert "vqinsight" not in worker.read_text(encoding="utf-8")


def test_a_folder_of_another_family_is_refused(tmp_path):
    folder = tiny.save(tiny.qwen2_vl(), tmp_path / "m")
    (folder / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(ModelError):
        open_baseline("vqascore", model=str(folder))
