"""Pages of the catalog, a module for each noun."""
