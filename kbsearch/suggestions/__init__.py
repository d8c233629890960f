"""What customers wish for: suggestions that are read before others see them, votes, and who follows them."""
