"""Families of generators: layout of latents, call of the network, sampler. In reading order:

* ``unet3d``: ModelScope and T2V-Turbo
* ``cogvideox``: CogVideoX
* ``wan``: Wan 2.1
* ``ltx``: LTX-Video
* ``nano``: the embedded generator
* ``nano_networks``: its networks
* ``nano_layout``: its inputs and outputs
"""
