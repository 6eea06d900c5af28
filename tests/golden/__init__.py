"""Numbers of independent origin, with the origin beside each; never what we once computed."""
