"""lmms-eval's model: an assessor behind ``vqinsight serve``. Imported by lmms-eval alone, in its environment."""

from __future__ import annotations

from functools import partial
from typing import Any

from lmms_eval.api.instance import Instance
from lmms_eval.api.model import lmms
from tqdm import tqdm

from vqinsight.errors import UsageError
from vqinsight.lmms_eval.asking import Asker
from vqinsight.serving.client import RewardError


class ServedAssessor(lmms):
    """``--model vqinsight --model_args url=http://127.0.0.1:8000``.

    Answers are the most likely ones, of the length that the model is served with: a task's ``generation_kwargs``,
    ``--batch_size`` and ``--device`` have no effect.

    Args:
        url, api_key_env, concurrency: see ``Asker``.
    """

    is_simple = False

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        api_key_env: str = "VQINSIGHT_API_KEY",
        concurrency: int = 4,
        batch_size: Any = None,  # noqa: ARG002 - lmms-eval gives these three to every model
        max_batch_size: Any = None,  # noqa: ARG002
        device: Any = None,  # noqa: ARG002
    ) -> None:
        super().__init__()
        self._asker = Asker(url, api_key_env, int(concurrency))
        try:
            self._asker.take_template()
        except (RewardError, UsageError) as error:
            raise SystemExit(f"{url}: {error}") from None

    def generate_until(self, requests: list[Instance]) -> list[str]:
        """Answers, in order."""
        asked = []
        for request in requests:
            _, messages, _, row, task, split = request.args
            asked.append(partial(messages, self.task_dict[task][split][row]))
        return list(tqdm(self._asker.answers(asked), total=len(asked), desc="Asking", disable=self.rank != 0))

    def generate_until_multi_round(self, requests: list[Instance]) -> list[str]:
        """Not offered."""
        raise NotImplementedError("vqinsight serve answers one question at a time: choose tasks of one round.")

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """Not offered."""
        raise NotImplementedError("vqinsight serve gives no probabilities: choose tasks that generate text.")
