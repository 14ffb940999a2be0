"""The assessor D: a vision-language model that judges clips. In reading order:

* ``clips``: clips by name, read and preprocessed ahead
* ``families``: the supported model families and their prompt formats
* ``recognise``: how a model was taught to see and to answer
* ``load``: from a name to a loaded model
* ``vision``: encodes each clip once
* ``prompting``: token ids of text and views
* ``backbone``: the parts of a model, and what its attention can do
* ``attention``: answers that share their prompt's keys and values; a mask in blocks
* ``noise``: sampling noise from a counter
* ``prefill``: the first pass over prompts; a common start once
* ``generate``: batched generation
* ``packing``: many answers to one prompt in one sequence
* ``log_probs``: log-probabilities of answer tokens, chunk by chunk
* ``separate``: questions asked in parts, and their replies as one
* ``assessor``: encodes clips and answers questions
* ``save``: writes a model folder
"""
