"""Stand-ins for language models: scripted, recorded, and an HTTP server with every fault."""
