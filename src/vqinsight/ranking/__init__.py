"""Clips of one prompt, compared in pairs and ranked (Eq. 8). In reading order:

* ``votes``: several replies to one question
* ``judge``: a pair in both orders
* ``tally``: wins, strengths, cycles, order bias
* ``tournament``: best and worst in 3N/2 comparisons
* ``by_score``: candidates by their scores
* ``select``: a group becomes a pair
* ``candidate_folders``: groups of clips on the disk
* ``pairs_file``: pairs on the disk
"""
