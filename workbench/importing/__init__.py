"""Other people's checkpoints: read without unpickling anything, gathered into populations of one spec."""
