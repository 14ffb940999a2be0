"""The generator G: text-to-video models and their alignment. In reading order:

* ``base``: the interface
* ``conditioning``: encoded prompts
* ``load``: opens a generator by its name
* ``pipeline``: generators around diffusers pipelines
* ``families``: one file per family
* ``noise``: noise schedules and training targets
* ``candidates``: N clips per prompt
* ``latents``: cache of encoded clips
* ``dpo``: Eq. 9: diffusion DPO
* ``lora``: LoRA in a denoiser
* ``ema``: moving average of weights
* ``dpo_trainer``: training by Eq. 9
* ``dpo_log``: the training's log
* ``dpo_checkpoint``: checkpoints of the training
* ``checkpoint``: saved generators
* ``repair``: zero-shot content repairing

Shapes: B clips, F frames, H and W pixels; the shape of latents depends on the family.
"""
