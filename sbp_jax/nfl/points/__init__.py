"""What a play is worth in points: expected points before and after it."""
