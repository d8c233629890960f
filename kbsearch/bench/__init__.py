"""The latency receipt: `kbsearch bench` measures one index on one machine and says whether it became slower."""
