"""What adversarial training is up against; importing one imports torch."""
