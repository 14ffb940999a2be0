"""Evaluation: agreement of predictions with human labels, the paper's Tables 1 to 6. In reading order:

* ``predictor``: the interface of what answers a benchmark's questions
* ``benchmarks``: the benchmarks by name
* ``run``: a predictor runs a benchmark
* ``prediction_file``: writes and reads predictions
* ``metrics``: pure functions on numbers
* ``summary``: figures from predictions
* ``paper_tables``: the paper's tables as data
* ``fill_tables``: fills the tables from stored results
* ``vbench``: scores from VBench's results
* ``vbench_process``: runs VBench in its own environment
"""
