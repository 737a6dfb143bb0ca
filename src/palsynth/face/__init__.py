"""From pixels to a measured face: detect, landmarks, align, edges, asymmetry measures."""
