"""Serving: the assessor as a reward of other people's trainers. In reading order:

* ``rewards``: rewards by name, from replies to numbers
* ``answering``: questions of several requests, answered together
* ``reward``: the reward as a callable
"""
