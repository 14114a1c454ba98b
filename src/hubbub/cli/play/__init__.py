"""`hubbub play`: a person at the terminal takes over one agent."""
