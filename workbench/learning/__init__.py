"""What generators are made of: the contract, training data, the optimisation loop, and the survival predictor."""
