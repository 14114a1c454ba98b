"""`hubbub bench`: measuring in processes of their own, checking digests, printing."""
