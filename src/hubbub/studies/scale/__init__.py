"""Does the number of agents change the outcome?"""
