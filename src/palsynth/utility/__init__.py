"""What synthetic pictures are worth to a grader."""
