"""Results for people and for other programs. Imports no torch. In reading order:

* ``output``: where results go, and how a run ends
* ``console``: results on the terminal
* ``phrases``: the words that terminal and page share
* ``progress``: standard error
* ``rows``: records become rows
* ``files``: result files
* ``html``: the page
* ``plot``: its plots
* ``scatter``: scatter plots as PNG
* ``metric_tables``: the figures of a benchmark
* ``evaluation_report``: a finished evaluation
* ``paper_tables``: the paper's tables as text
"""
