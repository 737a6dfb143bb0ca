"""Published encoders, loaded by path in the formats that their authors publish."""
