"""The interface in a browser: look at clips, compare two, rank those of a prompt, follow a run. In reading order:

* ``sessions``: what belongs to one user
* ``shelf``: the clips of the folder that is shown to all
* ``jobs``: work with progress, which can be cancelled
* ``judging``: the work of each page, a step at a time
* ``playable``: a clip as a browser plays it, made in a process of its own
* ``media``: bytes of clips
* ``front``: sessions and headers before every page
* ``shared``: what the pages share
* ``run_files``: what a run folder says
* ``clips``, ``look``, ``compare``, ``rank``, ``runs``, ``work``: the pages
* ``arena``: raters vote on pairs of clips
* ``app``: puts the pages together
* ``run``: runs them on a socket
"""
