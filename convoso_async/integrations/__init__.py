"""Where rows go beyond one machine: to Spark, and to the warehouses that dlt loads."""
