"""What customers wish for: suggestions that are read before others see them, votes, and who wants to hear of changes."""
