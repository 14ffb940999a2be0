"""Metrics as pure functions on numbers. In reading order:

* ``join``: joins predictions and labels by id
* ``correlation``: SRCC, KRCC, PLCC and errors
* ``logistic``: the four-parameter logistic
* ``pairwise``: agreement on pairs
* ``order_bias``: effect of the order of presentation
* ``breakdown``: metrics by dimension, generator and content
* ``bootstrap``: confidence intervals
* ``fast_bootstrap``: correlations of many resamples
* ``calibration``: maps of scores to opinion scores
* ``reliability``: reliability by bins
"""
