"""The Hydra groups: system, data, trainer, callbacks, logger, experiment."""
