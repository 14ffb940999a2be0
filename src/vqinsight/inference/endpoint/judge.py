"""The verbs of ``VQInsight`` for a model behind a server, and the connection to it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from typing import Any

from vqinsight.common.version import __version__
from vqinsight.errors import ModelError, UnreadableVideo, UsageError
from vqinsight.inference.api import VQInsight
from vqinsight.inference.batches import Answered, AskAbout, Outcome, prefetch
from vqinsight.inference.endpoint.assessor import EndpointAssessor
from vqinsight.inference.endpoint.client import Client, Refused, Unanswered
from vqinsight.results import ClipComparison, Provenance, Reply
from vqinsight.settings.endpoint import EndpointSettings, address
from vqinsight.settings.inference import TAUGHT, InferenceSettings
from vqinsight.settings.reader import parse_settings
from vqinsight.tasks.prompt_sets import NAMES, prompt_set
from vqinsight.tasks.types import Question
from vqinsight.video.entries import PairGroup
from vqinsight.video.inputs import Source
from vqinsight.video.preprocess import ProcessedClip

UNKNOWN = "unknown"  # what a server does not tell
_MODELS_WITHIN = 15.0  # seconds for the list of models


def connect(
    url: str,
    model: str | None = None,
    *,
    api_key_env: str | None = None,
    concurrency: int = 8,
    deadline: float = 300.0,
    template: str | None = None,
    fps: float | None = None,
    frames: int | None = None,
    max_pixels: int | None = None,
    folder_fps: float | None = None,
    evidence: bool | None = None,
    on_message: Callable[[str], None] | None = None,
) -> EndpointJudge:
    """Connect to a server of the OpenAI shape, and find out how it takes frames.

    Args:
        url, model, api_key_env, concurrency, deadline: see ``EndpointSettings``.
        template: the wording of the questions: standard, released, brief, or a TOML file; by default what the server
            says that its model was taught with (``vqinsight serve`` does), else standard.
        fps, frames, max_pixels, folder_fps, evidence: as for ``vqinsight.load``; the defaults are those of
            ``InferenceSettings``.
        on_message: receives notices, and what each verb took in tokens.

    Raises:
        ModelError: no such model, no access, no answer, or a server that takes no frames.
        UsageError: a setting is out of range, or the model has to be named.
    """
    try:
        url = address(url)
    except ValueError as error:
        raise UsageError(f"--url: {error}.") from None
    where = {"url": url, "model": model, "api_key_env": api_key_env, "concurrency": concurrency, "deadline": deadline}
    settings = parse_settings(EndpointSettings, where, "endpoint")
    client = Client(settings)
    served = client.submit(_served(client)).result()
    template = template or _template(served, settings.host, on_message)
    asked = prompt_set(template)
    given = {"template": template, "fps": fps, "frames": frames, "max_pixels": max_pixels, "evidence": evidence}
    taught = TAUGHT.get(asked.base or asked.name, {})
    look = parse_settings(
        InferenceSettings, {**taught, **{key: value for key, value in given.items() if value is not None}}, "settings"
    )
    assessor = EndpointAssessor(
        client, served.name, asked, look, folder_fps=folder_fps, root=served.root, on_message=on_message
    )
    return EndpointJudge(assessor, served.digest, on_message)


class EndpointJudge(VQInsight):
    """Scores, compares, ranks and asks with a model behind a server; results have the shape of a loaded model's.

    Questions are under way at a time, as many as the settings say, and so are the frames of as many clips held, and of
    a few that are decoded ahead; a ranking holds all of its clips.
    """

    # Of its assessor ``VQInsight`` uses the loader, the prompt set, ``encode`` and ``ask``.
    assessor: EndpointAssessor  # type: ignore[assignment]

    def __init__(
        self, assessor: EndpointAssessor, digest: str, on_message: Callable[[str], None] | None = None
    ) -> None:
        self.assessor, self._digest, self._tell = assessor, digest, on_message

    def compare_all(
        self,
        groups: Iterable[PairGroup],
        *,
        samples: int = 1,
        seed: int = 0,
        temperature: float = 1.0,
        on_seconds: Callable[[float], None] | None = None,
    ) -> Iterator[ClipComparison]:
        """See ``VQInsight.compare_all``; what no question would survive ends the run."""
        from vqinsight.inference.pairs import compare_groups

        by = self.provenance(samples, seed, temperature)
        try:
            # its assessor stands for one here
            yield from compare_groups(self.assessor, groups, by, on_seconds, lambda _, work: work())  # type: ignore[arg-type]
        finally:
            self.report()

    def provenance(self, samples: int, seed: int, temperature: float) -> Provenance:
        """Which model answers, how it is asked, and how it is sent frames."""
        return Provenance(
            model=self.assessor.model,
            model_hash=self._digest,
            family=UNKNOWN,
            template=self.assessor.prompt_set.name,
            samples=samples,
            temperature=temperature if samples > 1 else 0.0,
            seed=seed,
            dtype=UNKNOWN,
            device=UNKNOWN,
            version=__version__,
            engine="endpoint",
            host=self.assessor.client.settings.host,
            sent=str(self.assessor.form),
        )

    def report(self) -> None:
        """Say what all questions so far took."""
        if self._tell is not None:
            spent, host = self.assessor.spent, self.assessor.client.settings.host
            self._tell(
                f"{host} counted {spent.prompt:,} prompt and {spent.completion:,} completion tokens in "
                f"{self.assessor.requests} responses."
            )

    def _answers(
        self,
        clips: Iterable[tuple[Source, str | None]],
        question: AskAbout,
        samples: int,
        seed: int,
        temperature: float,
        on_seconds: Callable[[float], None] | None,  # noqa: ARG002 - what a clip takes of a server's time is not known
    ) -> Iterator[Outcome]:
        """Replies about clips, in order; frames are let go with their answer, not with that of the slowest clip."""
        busy: set[Future[tuple[Reply, ...]]] = set()
        waiting: deque[_Waiting] = deque()
        places = self.assessor.client.settings.concurrency
        try:
            for path, prompt, seen in prefetch(self.assessor, clips):  # type: ignore[arg-type]  # its ``clips`` alone
                if isinstance(seen, UnreadableVideo):
                    waiting.append((path, prompt, seen))
                else:
                    while len(busy) >= places:
                        _, busy = wait(busy, return_when=FIRST_COMPLETED)
                        yield from _finished(waiting)
                    asked = question(path, prompt, seen)
                    future = self.assessor.submit(asked, [seen], samples, temperature, seed)
                    busy.add(future)
                    waiting.append((path, prompt, _Asked(replace(seen, views=()), asked, future)))
                yield from _finished(waiting)
            while waiting:
                if isinstance(slowest := waiting[0][2], _Asked):
                    slowest.future.exception()  # waits; raised below
                yield from _finished(waiting)
        finally:
            for future in busy:
                future.cancel()
            self.report()


@dataclass(frozen=True)
class _Asked:
    """A clip without its frames, and the replies that are on their way."""

    clip: ProcessedClip
    question: Question
    future: Future[tuple[Reply, ...]]


_Waiting = tuple[str, str | None, _Asked | UnreadableVideo]


def _finished(waiting: deque[_Waiting]) -> Iterator[Outcome]:
    """What is answered at the head of the queue."""
    while waiting and (isinstance(waiting[0][2], UnreadableVideo) or waiting[0][2].future.done()):
        path, prompt, found = waiting.popleft()
        if isinstance(found, _Asked):
            yield path, prompt, Answered(found.clip, found.question, found.future.result())
        else:
            yield path, prompt, found


@dataclass(frozen=True)
class _Served:
    """What a server tells of a model: its name there, the digest of its weights, its template, and its own name."""

    name: str
    digest: str = "remote"
    template: str | None = None
    root: str = ""


def _template(served: _Served, host: str, on_message: Callable[[str], None] | None) -> str:
    """The template that the server names, where it is known here."""
    if served.template is None or served.template in NAMES:
        return served.template or "standard"
    if on_message is not None:
        on_message(
            f"{host} was taught with a template of its own, {served.template[:64]!r}, and is asked with standard. Give "
            "its file with --template."
        )
    return "standard"


async def _served(client: Client) -> _Served:
    """The model that is asked, and what the server tells of it."""
    host, wanted = client.settings.host, client.settings.model
    try:
        listed = _listed(await client.models(client.deadline(min(_MODELS_WITHIN, client.settings.deadline))))
    except Refused as error:
        if wanted is None or 300 <= error.status < 400:
            raise ModelError(
                f"{host} does not list its models ({error}). Check --url, which mostly ends in /v1; if it is right, "
                "name the model: --model NAME."
            ) from None
        return _Served(wanted)
    except Unanswered as error:
        raise ModelError(f"{host} gives no answer ({error}). Is the server running? Check --url.") from None
    if wanted is None and len(listed) != 1:
        raise UsageError(f"{host} serves {len(listed)} models. Name one: --model {' | '.join(sorted(listed)[:8])}")
    name = wanted or next(iter(listed))
    entry = listed.get(name, {})
    told = {key: entry.get(key) for key in ("model_hash", "template", "root")}
    digest, template, root = (value if isinstance(value, str) and value else None for value in told.values())
    return _Served(name, digest or "remote", template, root or "")


def _listed(body: str) -> dict[str, dict[str, Any]]:
    """The models of a response by name; none where it is not of that shape."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    entries = data.get("data") if isinstance(data, dict) else None
    models = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return {entry["id"]: entry for entry in models if isinstance(entry.get("id"), str)}
