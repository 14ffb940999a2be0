"""What Prometheus is told, and one line of JSON for each request on the log."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

logger = logging.getLogger("vqinsight.serving")


@dataclass
class Metrics:
    """The instruments of one server, in a registry of their own."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.requests = Counter(
            "vqinsight_requests", "Requests by route and status.", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "vqinsight_request_seconds", "From the first byte to the last.", ["route"], registry=self.registry
        )
        self.clips = Counter("vqinsight_clips", "Clips, read and unreadable.", ["status"], registry=self.registry)
        self.batch = Histogram(
            "vqinsight_batch_requests",
            "Requests answered together.",
            buckets=(1, 2, 4, 8, 16, 32),
            registry=self.registry,
        )
        self.held = Gauge("vqinsight_requests_held", "Requests inside.", registry=self.registry)
        self.outside = Gauge("vqinsight_requests_waiting", "Requests that wait outside.", registry=self.registry)

    def done(self, request: str, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request and log it. Its key, paths and texts are nobody's business."""
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)
        line = {"request": request, "method": method, "route": route, "status": status, "seconds": round(seconds, 4)}
        logger.info("%s", json.dumps(line))
