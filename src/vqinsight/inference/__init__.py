"""A loaded model judges clips."""
