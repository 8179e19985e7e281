"""The latent diffusion model that the diffusion methods are tested on."""
