"""Where data come from: sources, downloads, and arrays parsed once."""
