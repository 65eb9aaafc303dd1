"""Sound as data: files, corpora, windows, augmentation, the demo band."""
