"""How good a model is, by how much it is better than what was there and than simple models, and whether that is enough."""
