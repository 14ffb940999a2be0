"""A training loop's side of `reward_loop`, in the environment of another project; imports nothing of this package.

python reward_client.py PROTOCOL URL STEPS CODE [CLIENT]: for each line with a number on standard input it asks for the
rewards of STEPS/NUMBER (``clips.npy``, uint8 (N, T, H, W, 3), and ``prompt.txt``) as the project's trainer does, and
prints one line of JSON: the rewards, ``null`` where there is none, and the errors. CODE is a checkout of the project.
CLIENT is the file `serving/client.py`, for projects whose own clients are no HTTP clients of clips.

The projects' packages are imported without their ``__init__``, which import whole trainers; the modules are theirs.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import logging
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

Rewards = list[float | None]
Ask = Callable[[np.ndarray, str], tuple[Rewards, list[str]]]
TRIES, PAUSE = 40, 1.0  # for a client that takes such settings


def bare(*names: str, root: Path) -> None:
    """Packages that have their modules and nothing else."""
    for name in names:
        package = types.ModuleType(name)
        package.__path__ = [str(root.joinpath(*name.split(".")))]
        sys.modules[name] = package


def module(name: str, file: Path) -> Any:
    """A module from a file."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    spec.loader.exec_module(made)
    return made


def channels_first(clips: np.ndarray) -> torch.Tensor:
    """Floats in [0, 1], (N, T, 3, H, W), as generators' decoders give them."""
    return torch.from_numpy(clips).permute(0, 1, 4, 2, 3).float() / 255


def unirl(url: str, code: Path, _: Path | None) -> Ask:
    """UniRL's trainer: `unirl/reward/remote.py`."""
    bare("unirl", "unirl.config", "unirl.reward", "unirl.types", root=code)
    bare("unirl.distributed", "unirl.distributed.tensor", root=code)
    remote = importlib.import_module("unirl.reward.remote")
    sys.modules["unirl.config"].require = sys.modules["unirl.config.require"].require  # type: ignore[attr-defined]
    primitives = importlib.import_module("unirl.types.primitives")
    asked = importlib.import_module("unirl.types.reward").RewardRequest
    spec = remote.RemoteRewardSpec(
        base_url=url, required_rewards=("win_rate",), input_kind="video", max_retries=TRIES, retry_delay=PAUSE
    )
    backend = remote.RemoteRewardBackend(config=spec, base_device="cpu")
    assert backend.is_available()

    def ask(clips: np.ndarray, prompt: str) -> tuple[Rewards, list[str]]:
        videos = [primitives.Video(frames=clip) for clip in channels_first(clips)]
        found = backend.compute_rewards(
            asked(
                primitives={"text": primitives.Texts(texts=[prompt] * len(clips))},
                generated={"video": primitives.Videos.from_list(videos)},
            )
        )
        rewards = [reward if fine else None for reward, fine in zip(found.rewards, found.successes, strict=True)]
        return rewards, [error for error in found.errors if error]

    return ask


def flow_factory(url: str, code: Path, _: Path | None) -> Ask:
    """Flow-Factory's trainer: `src/flow_factory/rewards/my_reward_remote.py`, groupwise."""
    root = code / "src"
    bare("flow_factory", "flow_factory.rewards", "flow_factory.hparams", "flow_factory.utils", root=root)
    arguments = importlib.import_module("flow_factory.hparams.reward_args").RewardArguments
    sys.modules["flow_factory.hparams"].RewardArguments = arguments  # type: ignore[attr-defined]
    remote = importlib.import_module("flow_factory.rewards.my_reward_remote")
    config = arguments.from_dict(
        {"name": "win_rate", "server_url": f"{url}/ff/win_rate", "device": "cpu", "timeout": 600.0}
    )
    model = remote.RemoteGroupwiseRewardModel(config, types.SimpleNamespace(device=torch.device("cpu")))

    def ask(clips: np.ndarray, prompt: str) -> tuple[Rewards, list[str]]:
        video = [[Image.fromarray(frame) for frame in clip] for clip in clips]
        return model(prompt=[prompt] * len(clips), video=video).rewards.tolist(), []

    return ask


def flow_grpo(url: str, code: Path, client: Path | None) -> Ask:
    """Flow-GRPO's `multi_score` of `flow_grpo/rewards.py`, with our reward in the place of one of its remote ones."""
    assert client is not None
    ours = module("vqinsight_client", client)
    rewards = module("flow_grpo_rewards", code / "flow_grpo" / "rewards.py")
    rewards.deqa_score_remote = lambda device: ours.flow_grpo(ours.Client(url, reconnect=300.0), "win_rate")  # noqa: ARG005
    score = rewards.multi_score(torch.device("cpu"), {"deqa": 1.0})

    def ask(clips: np.ndarray, prompt: str) -> tuple[Rewards, list[str]]:
        found, _ = score(channels_first(clips), [prompt] * len(clips), [{}] * len(clips))
        return found["avg"], []

    return ask


def verl_omni(url: str, _: Path, client: Path | None) -> Ask:
    """verl-omni's call of `reward_loop/reward_manager/visual.py`: uint8 (T, 3, H, W), each by itself, all at a time."""
    assert client is not None
    ours = module("vqinsight_client", client)
    compute_score = ours.verl_omni(ours.Client(url, reconnect=300.0), "overall")

    async def group(clips: torch.Tensor, prompt: str) -> list[Any]:
        calls = [
            compute_score(data_source="loop", solution_image=clip, ground_truth=prompt, extra_info={"num_turns": None})
            for clip in clips
        ]
        return await asyncio.gather(*calls, return_exceptions=True)

    def ask(clips: np.ndarray, prompt: str) -> tuple[Rewards, list[str]]:
        found = asyncio.run(group(torch.from_numpy(clips).permute(0, 1, 4, 2, 3), prompt))
        failed = [str(each) for each in found if isinstance(each, Exception)]
        return [None if isinstance(each, Exception) else each["score"] for each in found], failed

    return ask


CLIENTS = {"unirl": unirl, "flow_factory": flow_factory, "flow_grpo": flow_grpo, "verl_omni": verl_omni}


def main() -> None:
    """Answer numbers of steps until standard input ends."""
    protocol, url, steps, code = sys.argv[1:5]
    logging.disable(logging.WARNING)
    ask = CLIENTS[protocol](url, Path(code), Path(sys.argv[5]) if len(sys.argv) > 5 else None)
    print(json.dumps({"ready": protocol}), flush=True)
    for line in sys.stdin:
        folder = Path(steps, line.strip())
        clips, prompt = np.load(folder / "clips.npy"), (folder / "prompt.txt").read_text(encoding="utf-8")
        try:
            rewards, errors = ask(clips, prompt)
        # A trainer would stop here, whatever its client raises; this loop counts the error and goes on.
        except Exception as error:  # noqa: BLE001
            rewards, errors = [None] * len(clips), [f"{type(error).__name__}: {error}"]
        print(json.dumps({"rewards": rewards, "errors": errors}), flush=True)


if __name__ == "__main__":
    main()
