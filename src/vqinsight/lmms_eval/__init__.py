"""lmms-eval: our benchmarks as its tasks, and ``vqinsight serve`` as its model. In reading order:

* ``questions``: a benchmark's questions as rows and messages of lmms-eval
* ``figures``: figures from answers, those of ``vqinsight evaluate``
* ``asking``: asks ``vqinsight serve`` with lmms-eval's messages
* ``model``: lmms-eval's class around it
* ``manifest``: the entry point by which lmms-eval finds it
* ``tasks``: the tasks, as YAML, and what they call

lmms-eval's environment has other versions of torch, transformers and av. Nothing here imports them. numpy, scipy and
pyarrow are needed. lmms-eval itself is imported in ``model`` and ``manifest`` alone.
"""

from pathlib import Path

TASKS = Path(__file__).parent / "tasks"  # for lmms-eval's --include_path
