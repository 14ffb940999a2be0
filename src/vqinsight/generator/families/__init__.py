"""One file a family of generators: how its latents look, how its network is called, which sampler it takes."""
