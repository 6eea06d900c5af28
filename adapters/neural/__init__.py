"""Neural codecs: one model file and one adapter file each; torch is imported when one is loaded."""
