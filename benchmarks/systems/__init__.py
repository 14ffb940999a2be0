"""Adapters of foreign systems against the systems' own inference, with random weights of reduced size.

``run`` compares systems in environments of their own, ``native`` those on models loaded here; ``official/NAME.py`` is
run by the system's environment, as ``official/steps.py`` says. Where a system's code fixes the size of its networks,
``official/shrink.py`` makes them smaller, and ``official/reduced/NAME.py`` runs the worker on these.
"""
