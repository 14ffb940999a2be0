"""``vqinsight`` where processes on CPUs pass for cards, over which alone Accelerate shards."""

from __future__ import annotations

from typing import Any

from accelerate.state import DistributedType, PartialState

begin = PartialState.__init__


def begin_on_cards(self: PartialState, *args: Any, **kwargs: Any) -> None:
    begin(self, *args, **kwargs)
    if self.distributed_type == DistributedType.MULTI_CPU:
        self.distributed_type = DistributedType.MULTI_GPU


if __name__ == "__main__":
    PartialState.__init__ = begin_on_cards  # type: ignore[method-assign]
    from vqinsight.cli.main import main

    main()
