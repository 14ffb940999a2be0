"""Inference: score, compare, rank and ask about clips. In reading order:

* ``api``: load, score, compare, rank, ask
* ``aggregate``: records from replies
* ``models``: the known models
* ``predictor``: an assessor as predictor of a benchmark
* ``endpoint``: the same verbs over the network
"""
