"""The codec: waveforms to a compact latent sequence and back."""
