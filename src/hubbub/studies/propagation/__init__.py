"""Does a message spread as a real one did?"""
