"""Jobs: plan -> images and manifest; sheets and grids of pictures."""
