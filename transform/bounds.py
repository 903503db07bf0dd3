"""The bounds of one request, kept by the exported model, the client and the embedded server. Standard library only.

A few hundred bytes can ask for millions of scores, since TensorFlow repeats a tensor's last value to fill its shape, and an
empty candidate costs two bytes. So that no caller takes a server's memory or minutes of its processors, requests are bounded
by their shape.
"""

from __future__ import annotations

# Candidates of a user, K. Twenty times what a feed ranks at once.
MAX_CANDIDATES = 10_000
# Scores of a request: users times candidates, or rows.
MAX_SCORES = 100_000
