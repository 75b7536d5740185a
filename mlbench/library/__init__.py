"""What there is to build with: stages, data sets, resources and loads, as data."""
