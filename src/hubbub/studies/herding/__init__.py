"""Whether agents follow the votes that others gave before them."""
