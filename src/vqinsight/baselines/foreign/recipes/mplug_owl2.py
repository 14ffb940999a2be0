"""Systems on mPLUG-Owl2: Q-Align, Q-Instruct, and the model itself asked as Q-Instruct is."""

from __future__ import annotations

from vqinsight.baselines.foreign.recipe import Code, Recipe, Weights

_ONE_A_SECOND = "one frame a second, decoded by decord; clips of a second and more"
_PACKAGES = (
    "torch==2.13.0 sentencepiece==0.1.99 protobuf==3.20.3 accelerate==0.21.0 numpy==1.26.4 pillow==10.4.0 decord==0.6.0"
)
_OWL = "https://github.com/X-PLUG/mPLUG-Owl.git@0f3068fdb47b77aedc71fc39f5735cd7aa35e8f9"
_QUESTIONED = Code(
    repository="https://github.com/Q-Future/Q-Instruct",
    commit="2a78134356b829da873ceb905542dead1efa8f6c",
    needs="eval_scripts/mplug_owl_2/eval_video_quality.py",
)
_READOUT = (
    "Its script adds the logits of good and poor over the frames and stops there; here they are averaged, and the score"
    " is their softmax."
)


def _questioned(name: str, weights: Weights, licence: str, note: str) -> Recipe:
    """An mPLUG-Owl2 asked as Q-Instruct's script for video asks."""
    return Recipe(
        name=name,
        worker="owl2.py",
        python="3.11",
        packages=(
            f"{_PACKAGES} transformers==4.31.0 tokenizers==0.13.3 icecream einops==0.6.1 requests",
            f"--no-deps 'mplug_owl2 @ git+{_OWL}#subdirectory=mPLUG-Owl2'",
        ),
        sampling=_ONE_A_SECOND,
        dimensions=("quality",),
        ranges={"quality": (0.0, 1.0)},
        code=_QUESTIONED,
        weights=(weights,),
        arguments=("--readout", "good_poor", "--model", weights.name),
        licence=licence,
        note=note,
    )


RECIPES = (
    Recipe(
        name="q_align",
        worker="owl2.py",
        python="3.11",
        packages=(f"{_PACKAGES} transformers==4.36.1 tokenizers==0.15.0 icecream",),
        sampling=_ONE_A_SECOND,
        dimensions=("quality",),
        ranges={"quality": (0.0, 1.0)},
        code=Code(
            repository="https://github.com/Q-Future/Q-Align",
            commit="14dfdffb3b970c0727d48938b8f3741a65acbd6e",
            needs="q_align/evaluate/scorer.py",
        ),
        weights=(Weights("hub", "hf download q-future/one-align --cache-dir hub"),),
        arguments=("--readout", "levels"),
        licence="code S-Lab License 1.0, non-commercial (pyproject.toml: Apache-2.0); weights: see the hub page",
        note="Its video scorer, from bad 0 to excellent 1; the hub page's model.score is 1 plus 4 times that.",
    ),
    _questioned(
        "q_instruct",
        Weights(
            "mplug_owl2_7b_448_qinstruct_preview_v0.2",
            "hf download teowu/mplug_owl2_7b_448_qinstruct_preview_v0.2"
            " --local-dir mplug_owl2_7b_448_qinstruct_preview_v0.2",
        ),
        "code S-Lab License 1.0; weights, by its README: commercial use on request; mPLUG-Owl2 MIT",
        f"The newer of its two released versions on mPLUG-Owl2. {_READOUT}",
    ),
    _questioned(
        "mplug_owl2",
        Weights("mplug-owl2-llama2-7b", "hf download MAGAer13/mplug-owl2-llama2-7b --local-dir mplug-owl2-llama2-7b"),
        "code MIT; Q-Instruct's script S-Lab License 1.0, non-commercial; weights: see the hub page",
        f"Has no script for quality: asked as Q-Instruct is. {_READOUT}",
    ),
)
