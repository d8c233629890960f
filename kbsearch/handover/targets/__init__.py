"""Where hand-overs go: a signed webhook, e-mail, or the ticket API of a help desk; one small file each."""
