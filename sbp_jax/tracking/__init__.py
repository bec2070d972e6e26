"""Raw NFL tracking files to frames, features and data sets ready for a device."""
