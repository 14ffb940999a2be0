"""Group Relative Policy Optimisation (Eq. 1 and 2) for questions about clips. In reading order:

* ``dataset``: one slot per question and answer
* ``rollout``: samples answers, computes rewards and advantages
* ``advantage``: Eq. 1
* ``loss``: Eq. 2
* ``trainer``: GRPO on transformers' Trainer
* ``base_trainer``: the base class of the trainers of an assessor
* ``divergence``: stops a run whose loss, gradients or weights are not finite
* ``unshard``: gathers sharded weights for a rollout
* ``monitor``: warns of uninformative rewards
* ``run_log``: samples and failures of a run

Shape suffixes: ``_A`` answers, all groups in order; ``_T`` answer tokens; ``_B`` packed rows (one per question); ``_S``
tokens of a packed row; ``_V`` vocabulary.
"""
