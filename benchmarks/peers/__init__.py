"""kbsearch beside other engines: same corpus, same queries, same machine, same run (see README.md)."""
