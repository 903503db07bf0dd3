"""What a model is, in one document that goes wherever the model is published."""
