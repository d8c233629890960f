"""The chat: what a customer's message is, and what to reply. Pure; the service searches and records around it."""
