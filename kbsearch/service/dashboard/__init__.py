"""The dashboard and the HTML report: one page of server-made HTML and SVG, whole without JavaScript and on paper.

Takes a `metrics.board.Board`; `view.py` makes plain values of it, with geometry from `lines.py` and `flow.py`, and
`render.py` fills the template. Knows no HTTP and reads no store.
"""
