"""Every setting and every default of the paper, in one place. Imports no torch. In reading order:

* ``reader``: strict settings from JSON and TOML files
* ``shipped``: configurations that ship with the package
* ``inference``: how a model is shown clips and asked
* ``endpoint``: a server that is asked instead of a loaded model
* ``prompts``: a prompt set of one's own
* ``train``: stages 1 and 2, supervised baseline
* ``dpo``: training of a generator
* ``align``: stage 3
"""
