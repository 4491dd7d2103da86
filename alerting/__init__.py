"""What is done: findings become matters and tasks with clocks; people are sent, told and asked again."""
