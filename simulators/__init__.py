"""A city to practise on: registry, monitors, drawn scenes, cameras, officers."""
