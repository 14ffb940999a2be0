"""Rewards: one pure function per equation of the paper, and their weighted sum. No tensors. In reading order:

* ``format``: the format of a completion
* ``scoring``: Eq. 3 and 6: predicted scores
* ``temporal``: Eq. 4: the order of frames
* ``length``: Eq. 5: the length of a completion
* ``comparison``: Eq. 7: choices and yes/no answers
* ``rubric``: the weighted sum
"""
