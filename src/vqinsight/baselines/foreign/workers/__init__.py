"""Programs that run in the environment of a foreign system. They import nothing of this project.

* ``protocol``: JSON lines over a pipe
* the others: one for each family of systems
"""
