"""From requests to files: datasets, anonymized pictures, galleries, sheets and grids."""
