"""What a customer, or who looks at an article, is shown."""
