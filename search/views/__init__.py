"""Pages of search, a module for each thing one does there."""
