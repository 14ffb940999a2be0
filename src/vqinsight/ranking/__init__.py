"""Clips of one prompt, compared in pairs and ranked (Eq. 8). In reading order:

* ``votes``: majority of several replies
* ``judge``: judges a pair in both orders
* ``tally``: wins, strengths, cycles, order bias
* ``standings``: a ranking from judged pairs
* ``tournament``: best and worst in 3N/2 comparisons
* ``by_score``: candidates by their scores
* ``select``: (win, lose) of a group of candidates
* ``candidate_folders``: reads groups of clips
* ``pairs_file``: writes and reads pairs
"""
