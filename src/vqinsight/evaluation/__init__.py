"""How far predictions agree with people: the paper's Tables 1 to 6. In reading order:

* ``predictor``: what answers a benchmark's questions
* ``benchmarks``: the benchmarks by name
* ``run``: a predictor runs a benchmark
* ``prediction_file``: predictions on the disk
* ``metrics``: pure functions on numbers
* ``summary``: predictions become figures
* ``paper_tables``: the paper's tables as data
* ``fill_tables``: stored results fill them
* ``vbench``: scores from VBench's results
* ``vbench_process``: VBench in its own environment
"""
