"""Helpers that several packages use. In reading order:

* ``files``: atomic writes
* ``journal``: append-only rows
* ``lock``: one process at a time on an output
* ``prompt_lists``: lists of prompts
* ``csv_cells``: CSV cells that no spreadsheet runs
* ``seeds``: seeds from texts
* ``device``: choice of the device, and CPU threads
* ``hub``: availability of the Hugging Face hub
* ``extras``: packages of optional extras
* ``provenance``: the commit of the code
* ``memory``: the most memory that the process takes
* ``version``: the version of the package
"""
