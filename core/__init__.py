"""What all rooms speak: audio, errors, registries, spec strings, cells, fingerprints."""
