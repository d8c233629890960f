"""The publish gate: what customers found before, asked again of a version that is not published yet.

successes → compare → causes → report → present; `gate` decides, `command` is what the command line calls.
"""
