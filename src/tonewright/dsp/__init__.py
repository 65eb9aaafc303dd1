"""Signal functions on arrays of any framework that keeps the Python array API standard."""
