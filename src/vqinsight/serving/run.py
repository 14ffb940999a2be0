"""Running the server: on a loopback address, or with a key on another one."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI

from vqinsight.errors import UsageError
from vqinsight.serving.limits import Limits
from vqinsight.serving.place import check_place
from vqinsight.serving.protocol import HeadTimed

if TYPE_CHECKING:  # it imports torch
    from vqinsight.inference.api import VQInsight


def serve(
    load: Callable[[], VQInsight],
    *,
    host: str,
    port: int,
    key: str | None,
    hosts: Sequence[str],
    allowed: Sequence[Path],
    limits: Limits,
    on_bound: Callable[[str], None],
    on_ready: Callable[[], None],
) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish what was taken.

    Args:
        port: 0 takes any that is free.
        on_bound: called with the server's address once it listens.
        load, key, hosts, allowed, limits, on_ready: as for ``create_app``.

    Raises:
        UsageError: a place that needs a key, or that cannot be listened on.
        ModelError: the model cannot be loaded.
    """
    from vqinsight.serving.app import create_app  # imports torch

    run_app(
        lambda stop: create_app(
            load, limits=limits, key=key, hosts=(*hosts, host), allowed=allowed, on_ready=on_ready, on_failure=stop
        ),
        host=host,
        port=port,
        key=key,
        limits=limits,
        on_bound=on_bound,
    )


def run_app(
    create: Callable[[Callable[[BaseException], None]], FastAPI],
    *,
    host: str,
    port: int,
    key: str | None,
    limits: Limits,
    on_bound: Callable[[str], None],
) -> None:
    """Run an app until SIGTERM or Ctrl-C, or until it calls what ``create`` is given with the error that ends it.

    Raises:
        UsageError: a place that needs a key, or that cannot be listened on.
    """
    check_place(host, key)
    failures: list[BaseException] = []

    def stop(error: BaseException) -> None:
        failures.append(error)
        server.should_exit = True

    server = uvicorn.Server(configured(create(stop), limits))
    with _bound(host, port) as listener:
        address = listener.getsockname()
        name = f"[{address[0]}]" if ":" in address[0] else address[0]
        on_bound(f"http://{name}:{address[1]}")
        server.run(sockets=[listener])
    if failures:
        raise failures[0]


def configured(app: FastAPI, limits: Limits) -> uvicorn.Config:
    """How uvicorn runs the app: without logs of its own, and with a time limit on headers."""
    timed: Any = partial(HeadTimed, head_seconds=limits.head_seconds)  # stands for a class of protocols
    return uvicorn.Config(
        app,
        http=timed,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
    )


def log_requests(level: int = logging.INFO) -> None:
    """One line of JSON for each request, and the server's own errors, on standard error.

    Args:
        level: with ``logging.WARNING`` the errors alone.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name, least in (("vqinsight.serving", level), ("uvicorn.error", logging.WARNING)):
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(least)


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise UsageError(f"{host}:{port} cannot be listened on ({error.strerror}). Choose another --port.") from error
    return listener
