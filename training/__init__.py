"""How the papers' codecs are trained: losses, discriminators, recipes, and the training loop."""
