"""What is asked and what is answered. Imports no torch. In reading order:

* ``types``: clips, questions and answers
* ``labels``: labels on the scales of questions
* ``parsing``: what a completion says
* ``prompt_set``: one way to ask all tasks
* ``prompt_sets``: the three that are known
* ``yesno``: what can be answered with yes or no
* ``mixture``: questions drawn from several datasets
"""
