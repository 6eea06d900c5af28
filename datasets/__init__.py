"""What is played: clips, folders, manifests, pair lists, the demo set."""
