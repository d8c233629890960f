"""Passing a customer to a human: tickets, and their delivery to a help desk that may be down."""
