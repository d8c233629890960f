"""Routes: one small module a subject, each with a `router`."""
