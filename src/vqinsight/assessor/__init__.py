"""The assessor D: a vision-language model that judges clips. In reading order:

* ``clips``: clips by name, read and preprocessed ahead
* ``families``: the supported model families and their prompt formats
* ``recognise``: how a model was taught to see and to answer
* ``load``: from a name to a loaded model
* ``vision``: encodes each clip once
* ``prompting``: token ids of text and views
* ``generate``: batched generation
* ``packing``: many answers to one prompt in one sequence
* ``assessor``: encodes clips and answers questions
* ``save``: writes a model folder
"""
