"""One pure function per equation of the paper, and the rubric that adds them up. No tensors. In reading order:

* ``format``: the form of an answer
* ``scoring``: Eq. 3 and 6: scores
* ``temporal``: Eq. 4: the order of frames
* ``length``: Eq. 5: the length
* ``comparison``: Eq. 7: choices
* ``rubric``: their weighted sum
"""
