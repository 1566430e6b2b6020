"""What there is to run: tasks and plugins, read without running them."""
