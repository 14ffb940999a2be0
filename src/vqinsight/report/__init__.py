"""Reports: results for readers and for other programs. Imports no torch. In reading order:

* ``output``: destinations of results, and exit codes
* ``picks``: which clips are shown, and their bar
* ``console``: results on the terminal
* ``printing``: its texts and tables
* ``kept_pairs``: pairs of a results folder on the terminal
* ``phrases``: texts shared by terminal and page
* ``progress``: notices and progress on standard error
* ``rows``: table rows from records
* ``measured``: records and rows of measured clips
* ``measured_phrases``: their texts
* ``measured_text``: measured clips on the terminal
* ``files``: result files
* ``store``: a folder of results that goes on
* ``kept_file``: a result file that goes on
* ``html``: the HTML page
* ``plot``: its plots
* ``timeline``: values over time, as it draws them
* ``measured_page``: the HTML page of measured clips
* ``systems``: systems side by side, as text, JSON and a folder
* ``systems_phrases``: their texts
* ``systems_page``: their HTML page
* ``scatter``: scatter plots as PNG
* ``metric_tables``: the figures of a benchmark
* ``evaluation_report``: a finished evaluation
* ``paper_tables``: the paper's tables as text
* ``calibration_report``: a fitted scale
* ``plan``: what a training takes
"""
