"""What every learner shares: latents, schedules, losses, metrics, runs, the trainer."""
