"""A loaded model judges clips. In reading order:

* ``api``: load, score, compare, rank, ask
* ``aggregate``: replies become records
* ``models``: the models that are known
* ``predictor``: an assessor runs a benchmark
"""
