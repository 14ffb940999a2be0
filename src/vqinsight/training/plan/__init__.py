"""What a training run takes, from its settings and the shapes of its model. Imports no torch. In reading order:

* ``shapes``: the sizes of a model, and its parameters counted
* ``known``: published shapes, and how a configuration's model name leads to one
* ``workload``: what one card does in an update
* ``memory``: what it holds
* ``duration``: how long it takes
* ``advice``: the whole plan, and the setting to change where it does not fit
"""

from vqinsight.training.plan.advice import Hardware, Plan, hardware, plan_file, plan_training

__all__ = ["Hardware", "Plan", "hardware", "plan_file", "plan_training"]
