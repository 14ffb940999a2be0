"""The assessor D: a vision-language model that judges clips. In reading order:

* ``clips``: clips by name, read and preprocessed ahead
* ``families``: the supported model families
* ``load``: from a name to a loaded model
* ``vision``: each clip through the vision tower once
* ``prompting``: text and views become token ids
* ``generate``: batched generation
* ``packing``: many answers to one prompt in one sequence
* ``assessor``: the whole: encode clips, ask questions
* ``save``: a model becomes a folder
"""
