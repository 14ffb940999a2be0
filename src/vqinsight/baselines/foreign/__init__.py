"""Systems whose packages conflict with ours: each runs in an environment of its own, connected by a pipe.

In reading order:

* ``recipe``: what a system needs: code, environment, weights
* ``recipes``: the recipe of every system
* ``home``: where these lie on this machine
* ``process``: a worker process and its JSON lines
* ``system``: a foreign system as a baseline
* ``check``: whether everything a system needs is there and works
* ``workers``: programs that run in a system's environment; they import nothing of this project

The code of such a system is a clone that the user names; nothing of it is copied here.
"""
