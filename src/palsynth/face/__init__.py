"""From pixels to a measured face: detection, landmarks, alignment, edges, asymmetry measures."""
