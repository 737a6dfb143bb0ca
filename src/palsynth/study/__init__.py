"""The rating study of the paper: its file, its choice of images, its report."""
