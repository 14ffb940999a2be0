"""Web pages on the assessor. In reading order:

* ``arena``: raters vote on pairs of clips
"""
