"""What runs by itself: jobs, sensors and schedules."""
