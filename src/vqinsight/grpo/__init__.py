"""Group Relative Policy Optimisation (Eq. 1 and 2) for questions about clips. In reading order:

* ``dataset``: questions as slots of a group
* ``rollout``: answers, rewards, advantages
* ``advantage``: Eq. 1
* ``loss``: Eq. 2
* ``trainer``: a batch of questions becomes an update
* ``base_trainer``: what all trainers of an assessor share
* ``unshard``: sharded weights, whole for a rollout
* ``monitor``: dead rewards
* ``run_log``: samples and failures of a run

Shape suffixes: ``_A`` answers, all groups in order; ``_T`` answer tokens; ``_B`` packed rows (one a question); ``_S``
tokens of a packed row; ``_V`` vocabulary.
"""
