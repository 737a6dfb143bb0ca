"""Published encoders, loaded from local files in their authors' formats."""
