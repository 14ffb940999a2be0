"""Pre-training of the embedded assessor. In reading order:

* ``architecture``: the untrained model
* ``tokenizer``: its tokenizer
* ``exercise``: a question with its answer
* ``lessons``: questions about synthetic clips with answers
* ``rendered``: these clips, rendered and measured once
* ``batches``: batches of lessons
* ``tower``: pre-training of the vision tower
* ``pretrain``: pre-training of the whole model
* ``muon``: its optimizer
* ``probe``: accuracy of its descriptions
* ``export``: writes the weights that ship
"""
