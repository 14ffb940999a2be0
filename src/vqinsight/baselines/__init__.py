"""Other systems behind one interface, for the tables. In reading order:

* ``base``: the interface
* ``catalog``: every system, and how to get it
* ``builders``: how each is built
* ``open``: a system by its name
* ``predictor``: a system as predictor of a benchmark
* ``sampling``: which frames a system sees
* ``frames``: these frames, decoded
* ``side_by_side``: several systems on the same clips
* ``agreement``: how far they agree
* ``technical``: a signal-based score without weights
* ``always_a``: always prefers the first clip
* ``published``: predictions and figures from a file
* ``vlm``: models that generate answers
* ``next_token``: next-token probabilities
* ``vqascore``: the probability of Yes
* ``level_words``: the probabilities of five level words
* ``clip``: CLIP-IQA and CLIPScore
* ``unifiedreward``: UnifiedReward
* ``videoreward``: VideoReward
* ``foreign``: systems in environments of their own

It is separate from ``evaluation`` because several systems import the assessor, which imports later.
"""
