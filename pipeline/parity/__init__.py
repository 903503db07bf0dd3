"""Whether what was served is what was judged: scores, inputs and clicks of logged requests, beside the model's own rows."""
