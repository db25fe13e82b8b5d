"""The 16 resources, a room each: parameters, rows, declarations and methods of one group of calls."""
