"""Training of the embedded generator. In reading order:

* ``data``: clips, latents and captions
* ``train``: training of auto-encoder and denoiser
* ``export``: writes the weights that ship
"""
