"""Inference: score, compare, rank and ask about clips. In reading order:

* ``api``: load, score, compare, rank, ask
* ``batches``: clips answered in batches, each with failures of its own
* ``pairs``: pairs of clips compared, each with failures of its own
* ``aggregate``: records from replies
* ``models``: the known models
* ``predictor``: an assessor as predictor of a benchmark
* ``bench``: how many clips a machine judges
* ``endpoint``: the same verbs over the network
* ``ray_engine``: score and ask on the workers of a Ray cluster
* ``ray_worker``: what runs on such a worker
"""
