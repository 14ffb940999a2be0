"""Training of the embedded models; no other package imports it. In reading order:

* ``assessor``: pre-training of the embedded assessor
* ``generator``: training of the embedded generator
"""
