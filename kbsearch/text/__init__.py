"""Text analysis: raw text in, clean text, words, index terms and a language guess out.

Stands at the bottom of the flow: the indexer and the query path call the same functions, so a passage and
a query can only meet in the same form. Imports nothing from the rest of kbsearch but the standard
library, numpy, PyStemmer (`stem.py`) and langdetect's profiles (`language.py`).
"""
