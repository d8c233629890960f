"""The outermost ring: HTTP in, the engine asked, JSON or a page out, a fact written.

The only package that imports FastAPI. `app.py` puts the parts together, `routes/` has one small module a subject.
"""
