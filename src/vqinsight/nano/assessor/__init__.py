"""Pre-training of the embedded assessor. In reading order:

* ``architecture``: the untrained model
* ``tokenizer``: its tokenizer
* ``lessons``: questions about synthetic clips with answers
* ``batches``: batches of lessons
* ``tower``: pre-training of the vision tower
* ``pretrain``: pre-training of the whole model
* ``muon``: its optimizer
* ``probe``: accuracy of its descriptions
* ``export``: writes the weights that ship
"""
