"""What a plugin of mlbench looks like: four small modules and their entry points."""
