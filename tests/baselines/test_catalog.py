"""The list of systems, the verb that shows it, answers from files, and answers from another process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import tiny
from typer.testing import CliRunner

from vqinsight.baselines.catalog import SYSTEMS
from vqinsight.baselines.open import open_baseline
from vqinsight.baselines.published import Published, read_figures
from vqinsight.baselines.subprocess import WORKERS, Outside
from vqinsight.cli.main import app
from vqinsight.errors import ModelError, UsageError
from vqinsight.tasks.types import Missing, Preference

ROOT = Path(__file__).resolve().parents[2]
QUALITY = {"quality": (0.0, 1.0)}


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


STAND_INS = {
    "t2v_metrics": """
import torch
def VQAScore(model, device):
    print("loading", model)  # packages talk
    return lambda images, texts: torch.tensor([[0.25 * (i + 1)] for i in range(len(images))])
""",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Puts a stand-in for a package where the worker's interpreter finds it."""

    def put(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return put


def test_a_worker_answers_over_the_pipe(package, clips):
    package("t2v_metrics", STAND_INS["t2v_metrics"])
    judge = open_baseline("clip_flant5", python=sys.executable, frames=2)
    assert judge.score(clips[0], "a cat") == {"alignment": pytest.approx(0.375)}
    assert judge.compare(*clips, "a cat") == Preference("tie")
    assert isinstance(judge.score(clips[0]), Missing)
    judge.close()


def test_one_align_is_called_as_its_page_says(package, clips, tmp_path):
    package(
        "transformers",
        "import torch\n"
        "class AutoModelForCausalLM:\n"
        "    @classmethod\n"
        "    def from_pretrained(cls, name, **options):\n"
        "        assert name == 'q-future/one-align' and options['trust_remote_code']\n"
        "        return cls()\n"
        "    def score(self, videos, task_, input_):\n"
        "        assert (task_, input_) == ('quality', 'video') and videos[0][0].mode == 'RGB'\n"
        "        return torch.tensor([float(len(videos[0]))])\n",
    )
    judge = open_baseline("q_align", python=sys.executable, frames=3)
    assert judge.score(clips[0]) == {"quality": 3.0}
    judge.close()


def test_a_worker_that_dies_says_why(clips):
    judge = Outside("clip_flant5", sys.executable, "t2v_vqascore.py", ("clip-flant5-xxl",), ranges=QUALITY)
    with pytest.raises(ModelError, match="No module named 't2v_metrics'"):
        judge.score(clips[0], "a cat")
    with pytest.raises(ModelError, match="cannot be run"):
        Outside("q_align", "/no/such/python", "one_align.py", ranges=QUALITY)


def test_workers_import_nothing_of_ours():
    for worker in WORKERS.glob("*.py"):
        assert "vqinsight" not in worker.read_text(encoding="utf-8")


def test_a_folder_of_another_family_is_refused(tmp_path):
    folder = tiny.save(tiny.qwen2_vl(), tmp_path / "m")
    (folder / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(ModelError):
        open_baseline("vqascore", model=str(folder))
