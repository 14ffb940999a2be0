"""Other systems behind one interface, for the tables. In reading order:

* ``base``: the interface
* ``catalog``: every system, and how to get it
* ``builders``: how each is built
* ``open``: a system by its name
* ``predictor``: a system runs a benchmark
* ``frames``: the frames that image models see
* ``technical``: a hand-made score without weights
* ``always_a``: the first clip is always better
* ``published``: predictions and figures from a file
* ``vlm``: models that answer in words
* ``next_token``: the likeliest next word
* ``vqascore``: the probability of Yes
* ``level_words``: the odds of five level words
* ``clip``: CLIP-IQA and CLIPScore
* ``unifiedreward``: UnifiedReward
* ``videoreward``: VideoReward
* ``subprocess``: systems in environments of their own

Here and not inside ``evaluation``: several run on the assessor, which stands above it in the order of imports.
"""
