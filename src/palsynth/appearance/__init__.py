"""The appearance model: mesh, skin, eyes, teeth, folds; its fit and its file."""
