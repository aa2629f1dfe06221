"""Training populations: recipes, and the collection that runs them by the thousand."""
