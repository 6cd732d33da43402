"""The analysis pipeline as a library: from a file of sound to a record of what is heard in it."""
