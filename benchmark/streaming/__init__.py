"""What a codec does when it must code while the signal arrives."""
