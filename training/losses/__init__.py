"""What training minimises, each loss in its paper's definition; importing one imports torch."""
