"""Tasks: questions, answers, prompts and parsing. Imports no torch. In reading order:

* ``types``: clips, questions and answers
* ``labels``: labels on the scales of questions
* ``retraction``: answers that take themselves back
* ``parsing``: parses completions
* ``prompt_set``: the prompts and parsers of all tasks
* ``prompt_sets``: the known prompt sets
* ``shapes``: texts that the embedded model understands
* ``separate``: questions asked in parts
* ``prompt_file``: prompt sets in TOML files
* ``yesno``: check of yes/no questions
* ``mixture``: a seeded mixture of datasets
"""
