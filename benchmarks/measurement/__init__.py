"""Is what the metrics say true (`simulate`, against a known truth), and how fast do they say it (`speed`)?"""
