"""What the pages share: clips and work by id for their owner alone, requests that are taken once, and templates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, FileSystemLoader
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from vqinsight.errors import UsageError
from vqinsight.report.html import environment
from vqinsight.serving.limits import Limits
from vqinsight.web.jobs import Job, Steps, Worker
from vqinsight.web.sessions import Session, Sessions, WebClip
from vqinsight.web.shelf import Shelf

if TYPE_CHECKING:  # they import torch, or this module
    from vqinsight.inference.api import VQInsight
    from vqinsight.web.judging import Asking, Decodes
    from vqinsight.web.media import Media

HERE = Path(__file__).parent
_GONE = "There is nothing of this name among what is yours: it is deleted, or the server was started again."
_NO_SESSION = "Your session has ended, and its clips are deleted. Load the page again."


class AskedIn(BaseModel):
    """What a page sends: ``once`` names the request, so that a second click is no second piece of work."""

    model_config = ConfigDict(extra="forbid")

    clips: list[str] = Field(default_factory=list, max_length=100)
    prompt: str = Field("", max_length=8000)
    samples: int = Field(1, ge=1, le=16)
    once: str = Field(pattern=r"^[\w-]{8,64}$")


@dataclass
class Web:
    """What the app holds; ``judge``, ``decoder`` and ``worker`` once the model is loaded."""

    sessions: Sessions
    shelf: Shelf
    media: Media
    limits: Limits
    model: str
    judge: VQInsight | None = None
    decoder: Decodes | None = None
    worker: Worker | None = None
    templates: Environment = field(default_factory=lambda: pages_environment())

    def session(self, request: Request) -> Session:
        """The user's session.

        Raises:
            HTTPException: there is none.
        """
        session: Session | None = request.state.session
        if session is None:
            raise HTTPException(403, _NO_SESSION)
        return session

    def clip(self, request: Request, key: str) -> WebClip:
        """A clip of this user, or of the folder that is shown to all.

        Raises:
            HTTPException: 404 for those of others, too.
        """
        clip = self.session(request).clips.get(key) or self.shelf.find(key)
        if clip is None:
            raise HTTPException(404, _GONE)
        return clip

    def job(self, request: Request, key: str) -> Job:
        """Work of this user; raises as ``clip``."""
        job = self.session(request).jobs.get(key)
        if job is None:
            raise HTTPException(404, _GONE)
        return job

    def asking(self, samples: int) -> Asking:
        """The model, for the steps of a job.

        Raises:
            HTTPException: it is not loaded.
        """
        from vqinsight.web.judging import Asking

        if self.judge is None or self.decoder is None:
            raise HTTPException(503, "The model is being loaded. Try again in a moment.")
        return Asking(self.judge, self.decoder, samples)

    def begin(self, request: Request, once: str, kind: str, asked: dict[str, Any], steps: Callable[[], Steps]) -> str:
        """Begin work, or find the work that the same request began; the address of its page.

        Raises:
            UsageError: the user has too much work that has not ended.
        """
        session = self.session(request)
        if once in session.once:
            return session.once[once]
        ended = [key for key, job in session.jobs.items() if job.has_ended]
        most = self.sessions.bounds.jobs
        if len(session.jobs) >= most:
            if not ended:
                raise UsageError(f"{most} pieces of your work have not ended. Wait, or cancel some.")
            del session.jobs[ended[0]]
        if self.worker is None:
            raise HTTPException(503, "The server is ending.")
        job = Job(kind, asked, steps())
        session.jobs[job.id] = job
        session.once[once] = f"/jobs/{job.id}"
        while len(session.once) > 2 * most:
            del session.once[next(iter(session.once))]
        self.worker.add(job)
        return session.once[once]

    def page(self, template: str, **values: Any) -> HTMLResponse:
        """A page, with what all pages show."""
        common = {"model": self.model, "is_ready": self.judge is not None, "folder": self.shelf.folder}
        return HTMLResponse(self.templates.get_template(template).render(**common, **values))


def pages_environment() -> Environment:
    """The report's templates and those of the pages."""
    found = environment()
    assert found.loader is not None
    found.loader = ChoiceLoader([FileSystemLoader(HERE / "templates"), found.loader])
    return found
