"""G: a text becomes a clip. In reading order:

* ``base``: the interface
* ``conditioning``: encoded prompts
* ``load``: a generator by its name
* ``pipeline``: what diffusers knows
* ``families``: one file a family
* ``noise``: how a clip is noised
* ``candidates``: N clips a prompt
* ``latents``: clips as latents on the disk
* ``dpo``: Eq. 9: diffusion DPO
* ``lora``: LoRA in a denoiser
* ``ema``: the running average of weights
* ``dpo_trainer``: the training
* ``dpo_log``: what it says as it goes
* ``checkpoint``: generators on the disk
* ``repair``: criticise, make again, compare

Shape suffixes are spelled out here, as every family has latents of its own shape: B clips, F frames, H and W pixels.
"""
