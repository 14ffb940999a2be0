"""The arena: people vote on pairs of clips, and an assessor learns from the votes. In reading order:

* ``asked``: clips and pairs from a source
* ``votes``: the file of votes, append-only revisions in SQLite
* ``raters``: who may vote, by links with a token
* ``schedule``: which pair comes next, and which clip stands left
* ``agreement``: of raters with each other, and of the assessor with them
* ``verdicts``: the assessor's, from a file of results
* ``export``: tables that ``train`` and ``calibrate`` read
* ``pages``: the page and what its script asks
* ``site``: a server with the arena alone
"""
