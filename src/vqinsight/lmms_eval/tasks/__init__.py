"""Tasks of lmms-eval, one a YAML file. In reading order:

* ``utils``: what the YAML files name with ``!function``
* ``vqinsight_*.yaml``: the tasks; ``_score`` and ``_pair`` hold what they share
"""
