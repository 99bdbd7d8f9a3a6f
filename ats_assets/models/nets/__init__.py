"""What the learners that are nets share: what they see, how they are trained by PyTorch, how they are stored, and how they score without it."""
